# Tests of groups as R makes them, and standardised mean differences from their formulas (Yang and Dalton 2012).
# R 4.2.2, packages stats and MASS (ginv). Input: lung (of survival), and small tables made here.
# Writes patient_table_counts.tsv, patient_table_tests.tsv, patient_table_lung.tsv, patient_table_untied.tsv.
# Run as: cd tests/oracles && Rscript patient_table.R
version <- paste0("# R ", getRversion(), ", stats: ")

# Tables of counts, rows separated by ";".
shapes <- list(
  two = rbind(c(15, 4), c(3, 9)), two_zero = rbind(c(0, 5), c(7, 2)), two_even = rbind(c(6, 6), c(6, 6)),
  stage = rbind(c(4, 4), c(4, 7), c(1, 4), c(3, 4)), wide = rbind(c(3, 0, 5), c(2, 6, 1)),
  square = rbind(c(5, 1, 0), c(2, 4, 3), c(0, 2, 6)), sparse = rbind(c(1, 0), c(0, 1), c(2, 0), c(0, 3), c(1, 1)),
  four = rbind(c(3, 1, 0, 2), c(1, 4, 2, 0), c(0, 1, 5, 1), c(2, 0, 1, 4)), ties = rbind(c(2, 2), c(2, 2), c(2, 2)),
  larger = rbind(c(40, 22), c(31, 35), c(12, 4), c(20, 28)), large = rbind(c(40, 22, 31), c(31, 35, 20), c(12, 14, 25))
)
counts <- tests <- NULL
for (name in names(shapes)) {
  table <- shapes[[name]]
  counts <- rbind(counts, data.frame(case = name, rows = paste(apply(table, 1, paste, collapse = " "), collapse = "; ")))
  exact <- fisher.test(table, workspace = 2e7)
  chi <- suppressWarnings(chisq.test(table, correct = FALSE))
  tests <- rbind(tests, data.frame(variable = name, by = "", test = c("fisher", "chi_squared"), statistic = c(NA, chi$statistic),
                                   df = c(NA, chi$parameter), p_value = c(exact$p.value, chi$p.value), smd = NA))
}

lung <- read.csv("../../../shared/data/survival/survival_lung.csv")
pairs <- function(groups, measure) mean(combn(length(groups), 2, function(at) measure(groups[[at[1]]], groups[[at[2]]])))
of_means <- function(x, y) abs(mean(x) - mean(y)) / sqrt((var(x) + var(y)) / 2)
of_shares <- function(x, y) {
  p <- prop.table(table(x))[-1]
  q <- prop.table(table(y))[-1]
  spread <- (diag(p, length(p)) - outer(p, p) + diag(q, length(q)) - outer(q, q)) / 2
  sqrt(drop(t(p - q) %*% MASS::ginv(spread) %*% (p - q)))
}
set.seed(3)
lung$untied <- round(rnorm(nrow(lung)), 8) + lung$sex / 5 # also of 30 patients, for the exact test
described <- NULL
for (by in c("sex", "ph.ecog", "few")) {
  data <- if (by == "few") lung[1:30, ] else lung
  group <- data[[if (by == "few") "sex" else by]]
  group[group == 3] <- NA # one patient has no variance
  for (variable in c("age", "wt.loss", "meal.cal", "untied", "ph.karno", "status")) {
    kept <- !is.na(group) & !is.na(data[[variable]])
    x <- data[[variable]][kept]
    own <- split(x, group[kept])
    for (each in names(own)) {
      q <- quantile(own[[each]], c(0.25, 0.5, 0.75))
      described <- rbind(described, data.frame(by, variable, group = each, known = length(own[[each]]), mean = mean(own[[each]]),
                                               sd = sd(own[[each]]), quartile_1 = q[1], median = q[2], quartile_3 = q[3]))
    }
    if (variable == "status") {
      levels <- lapply(own, factor, levels = 1:2)
      smd <- pairs(levels, of_shares)
      found <- if (length(own) == 2) fisher.test(x, group[kept]) else chisq.test(x, group[kept], correct = FALSE)
    } else {
      smd <- pairs(own, of_means)
      found <- suppressWarnings(if (length(own) == 2) wilcox.test(own[[1]], own[[2]]) else kruskal.test(own))
    }
    fisher <- grepl("Fisher", found$method)
    df <- if (is.null(found$parameter) || fisher) NA else found$parameter
    tests <- rbind(tests, data.frame(variable, by, test = found$method, statistic = if (fisher) NA else found$statistic, df,
                                     p_value = found$p.value, smd))
  }
}

write <- function(table, file, what) {
  for (column in names(table)) {
    if (is.double(table[[column]])) table[[column]] <- ifelse(is.na(table[[column]]), NA, sprintf("%.12g", table[[column]]))
  }
  writeLines(paste0(version, what), file)
  suppressWarnings(write.table(table, file, append = TRUE, sep = "\t", quote = FALSE, row.names = FALSE, na = ""))
}
write(counts, "patient_table_counts.tsv", "tables of counts")
write(tests, "patient_table_tests.tsv", "fisher.test, chisq.test, wilcox.test, kruskal.test; SMD by formula")
write(described, "patient_table_lung.tsv", "mean, sd, quantile")
write(data.frame(untied = lung$untied), "patient_table_untied.tsv", "a variable without ties, for lung's patients")
