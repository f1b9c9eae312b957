# Tests of two groups as R makes them, and p-values adjusted by Holm's method.
# R 4.2.2, package stats. Writes group_comparison_values.tsv, group_comparison_tests.tsv, group_comparison_holm.tsv.
# Run as: cd tests/oracles && Rscript group_comparison.R
version <- paste0("# R ", getRversion(), ", stats: ")

set.seed(6)
cases <- list(
  three = list(rlnorm(3, 0, 0.2), rlnorm(3, 0.6, 0.3)),
  two = list(rlnorm(2, 0, 0.2), rlnorm(2, 0.6, 0.3)),
  uneven = list(rlnorm(3, 0, 0.1), rlnorm(7, 0.1, 0.8)),
  alike = list(rlnorm(5, 2, 0.3), rlnorm(5, 2, 0.3)),
  far = list(rlnorm(4, 0, 0.05), rlnorm(4, 3, 0.05)),
  tied = list(c(1, 2, 2, 3, 5, 8), c(2, 3, 4, 5, 5, 9)),
  negative = list(rnorm(6, 0.4), rnorm(6, 1.5)),
  many = list(rlnorm(40, 0, 0.5), rlnorm(49, 0.3, 0.5)),
  more = list(rlnorm(50, 0, 0.5), rlnorm(30, 0.3, 0.5))
)

values <- do.call(rbind, lapply(names(cases), function(name) {
  do.call(rbind, lapply(1:2, function(group) {
    x <- cases[[name]][[group]]
    data.frame(case = name, group = group, replicate = seq_along(x), value = sprintf("%.15g", x))
  }))
}))
# What is written is what is tested.
values_of <- function(name, group) as.numeric(values$value[values$case == name & values$group == group])

row <- function(name, test, found) {
  number <- function(x) if (is.null(x)) NA else unname(x)
  data.frame(case = name, test = test, statistic = number(found$statistic), df = number(found$parameter), p_value = found$p.value)
}
tests <- do.call(rbind, lapply(names(cases), function(name) {
  x <- values_of(name, 1)
  y <- values_of(name, 2)
  exact <- max(length(x), length(y)) < 50 && !anyDuplicated(c(x, y))
  rows <- list(
    row(name, "student", t.test(y, x, var.equal = TRUE)),
    row(name, "welch", t.test(y, x)),
    row(name, if (exact) "mann_whitney_exact" else "mann_whitney_approximate", suppressWarnings(wilcox.test(y, x)))
  )
  # R warns where it cannot be exact, and then chooses as it says.
  stopifnot(grepl(if (exact) "exact" else "continuity", suppressWarnings(wilcox.test(y, x))$method))
  if (length(x) == length(y)) {
    rows <- c(rows, list(row(name, "paired", t.test(y, x, paired = TRUE))))
    if (min(x, y) > 0) {
      paired <- t.test(log(y), log(x), paired = TRUE)
      single <- t.test(log(y))
      rows <- c(rows, list(row(name, "paired_t_log_ratio", paired), row(name, "one_sample_t_log_ratio", single)))
    }
  }
  do.call(rbind, rows)
}))
limits <- do.call(rbind, lapply(names(cases), function(name) {
  x <- values_of(name, 1)
  y <- values_of(name, 2)
  if (length(x) != length(y) || min(x, y) <= 0) return(NULL)
  found <- list(t.test(log(y), log(x), paired = TRUE), t.test(log(y)))
  data.frame(
    case = name, test = c("paired_t_log_ratio", "one_sample_t_log_ratio"),
    ratio = sapply(found, function(each) exp(each$estimate)),
    low = sapply(found, function(each) exp(each$conf.int[1])), high = sapply(found, function(each) exp(each$conf.int[2]))
  )
}))
tests <- merge(tests, limits, all.x = TRUE, sort = FALSE)
p <- tests$p_value[tests$test == "student"]

write <- function(table, name, says) {
  file <- file(paste0("group_comparison_", name, ".tsv"), "w")
  writeLines(paste0(version, says), file)
  for (column in names(table)) if (is.double(table[[column]])) table[[column]] <- sprintf("%.15g", table[[column]])
  table[is.na(table) | table == "NA"] <- ""
  write.table(table, file, sep = "\t", quote = FALSE, row.names = FALSE)
  close(file)
}
write(values, "values", "rlnorm, rnorm, seed 6")
write(tests, "tests", "t.test, wilcox.test")
write(data.frame(p = p, adjusted = p.adjust(p, "holm")), "holm", "p.adjust(method = 'holm')")
