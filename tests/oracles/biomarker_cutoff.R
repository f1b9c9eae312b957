# ROC with DeLong's interval and Youden's cutoff (pROC), rank tests and fourfold tables (stats), log-rank and Cox
# (survival), on the aSAH data of pROC and on patients drawn here (seed 7).
# R 4.2.2, pROC 1.18.0, survival 3.5-3. Writes biomarker_cutoff_{roc,ranks,values,tables,survival,patients}.tsv.
# Run as: cd tests/oracles && Rscript biomarker_cutoff.R
suppressMessages({library(pROC); library(survival)})
version <- sprintf("# R %s, pROC %s, survival %s", getRversion(), packageVersion("pROC"), packageVersion("survival"))
write <- function(table, name) {
  file <- file(paste0("biomarker_cutoff_", name, ".tsv"), "w")
  writeLines(version, file)
  for (column in names(table)) if (is.double(table[[column]])) table[[column]] <- sprintf("%.15g", table[[column]])
  table[is.na(table) | table == "NA"] <- ""
  write.table(table, file, sep = "\t", quote = FALSE, row.names = FALSE)
  close(file)
}

# ROC: higher means a poor outcome.
asah <- read.csv("../../../shared/data/roc/aSAH.csv")
write(do.call(rbind, lapply(c("s100b", "ndka", "wfns", "age"), function(marker) {
  curve <- roc(asah$outcome, as.numeric(asah[[marker]]), levels = c("Good", "Poor"), direction = "<", quiet = TRUE)
  limits <- ci.auc(curve, method = "delong", conf.level = 0.95)
  narrow <- ci.auc(curve, method = "delong", conf.level = 0.8)
  best <- coords(curve, "best", best.method = "youden", ret = c("threshold", "sensitivity", "specificity"), transpose = FALSE)
  best <- best[which.min(best$threshold), ]
  data.frame(marker, auc = as.numeric(auc(curve)), low = limits[1], high = limits[3], low_80 = narrow[1], high_80 = narrow[3],
             threshold = best$threshold, sensitivity = best$sensitivity, specificity = best$specificity)
})), "roc")

# Rank tests, with the values that they were made of.
set.seed(7)
cases <- list(
  small = list(round(rnorm(5, 1), 4), round(rnorm(7), 4)),
  uneven = list(round(rnorm(3, 2), 4), round(rnorm(12), 4)),
  larger = list(round(rnorm(49, 0.3), 5), round(rnorm(20), 5)),
  tied = list(sample(0:9, 18, TRUE), sample(0:7, 13, TRUE)),
  many = list(round(rnorm(60, 0.3), 5), round(rnorm(20), 5))
)
pairs <- list(
  seven = c(20, 35, -15, 40, 22, 60, 8),
  twelve = round(rnorm(12, 0.6), 4),
  zeros = c(0, 0, 3, 5, -2, 7, 8, 1),
  tied = c(5, 5, -5, 10, 20, 10, -3, 8),
  many = round(rnorm(55, 0.2), 5)
)
limits_of <- function(found) if (is.null(found$conf.int)) c(NA, NA) else as.numeric(found$conf.int)
row <- function(case, test, found) {
  limits <- limits_of(found)
  exact <- grepl("exact", found$method)
  data.frame(case, test, exact, statistic = unname(found$statistic), p_value = found$p.value,
             shift = unname(found$estimate), low = limits[1], high = limits[2])
}
ranks <- do.call(rbind, c(
  lapply(names(cases), function(name) row(name, "rank_sum", suppressWarnings(wilcox.test(cases[[name]][[1]], cases[[name]][[2]], conf.int = TRUE)))),
  lapply(names(pairs), function(name) row(name, "signed_rank", suppressWarnings(wilcox.test(pairs[[name]], conf.int = TRUE))))
))
write(ranks, "ranks")
write(do.call(rbind, c(
  lapply(names(cases), function(name) data.frame(case = name, test = "rank_sum", group = rep(1:2, lengths(cases[[name]])), value = unlist(cases[[name]]))),
  lapply(names(pairs), function(name) data.frame(case = name, test = "signed_rank", group = 1, value = pairs[[name]]))
)), "values")

# Fourfold tables. The root finder behind fisher.test's odds ratio stops at 1e-4; chances of tables do not.
tables <- list(c(15, 4, 3, 9), c(10, 2, 8, 11), c(1, 5, 7, 3), c(6, 0, 3, 8), c(0, 4, 5, 4), c(120, 80, 95, 130))
write(do.call(rbind, lapply(tables, function(cells) {
  counts <- matrix(cells, 2, byrow = TRUE)
  plain <- suppressWarnings(chisq.test(counts, correct = FALSE))
  yates <- suppressWarnings(chisq.test(counts))
  exact <- fisher.test(counts)
  data.frame(high_recurrent = cells[1], high_free = cells[2], low_recurrent = cells[3], low_free = cells[4],
             statistic = unname(plain$statistic), p_value = plain$p.value,
             statistic_yates = unname(yates$statistic), p_value_yates = yates$p.value,
             p_value_fisher = exact$p.value, odds_ratio = unname(exact$estimate), low = exact$conf.int[1], high = exact$conf.int[2])
})), "tables")

# Survival of groups: with ties, without, censored at a horizon.
patients <- do.call(rbind, lapply(c(untied = 1, tied = 2, few = 3), function(kind) {
  n <- c(40, 60, 9)[kind]
  high <- rep(0:1, length.out = n)
  months <- rexp(n, 0.02 * exp(0.7 * high)) + 0.01
  months <- if (kind == 2) ceiling(months / 6) else round(months, 4)
  data.frame(case = c("untied", "tied", "few")[kind], months, event = rbinom(n, 1, 0.7), high)
}))
write(patients, "patients")
write(do.call(rbind, lapply(split(patients, patients$case)[c("untied", "tied", "few")], function(own) {
  do.call(rbind, lapply(c(1e6, 12), function(horizon) {
    event <- own$event * (own$months <= horizon)
    months <- pmin(own$months, horizon)
    rank <- survdiff(Surv(months, event) ~ own$high)
    fit <- coxph(Surv(months, event) ~ own$high, ties = "efron", control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100))
    found <- summary(fit)$coefficients
    data.frame(case = own$case[1], horizon, log_rank = rank$chisq, log_rank_p = pchisq(rank$chisq, 1, lower.tail = FALSE),
               log_hazard_ratio = found[1, "coef"], standard_error = found[1, "se(coef)"], p_value = found[1, "Pr(>|z|)"])
  }))
})), "survival")
