# Curves, medians, log-rank tests, Cox's model and proportional hazards as R's survival gives them.
# R 4.2.2, survival 3.5-3 (its own lung and veteran; lung is read from the copy that the tests read).
# Writes survival_km.tsv, survival_medians.tsv, survival_times.tsv, survival_tests.tsv, survival_small.tsv.
# Run as: cd tests/oracles && Rscript survival.R
suppressPackageStartupMessages(library(survival))
version <- paste0("# R ", getRversion(), ", survival ", packageVersion("survival"), ": ")

lung <- read.csv("../../../shared/data/survival/survival_lung.csv")
lung <- data.frame(time = lung$time, event = lung$status - 1, sex = lung$sex, ph.ecog = lung$ph.ecog)
veteran <- with(veteran, data.frame(time = time, event = status, celltype = celltype, trt = trt))
# Ties, months 0, steps at one half; in "apart" and "without" one group has no event,
# in "before" one has all of its events first.
small <- rbind(
  data.frame(case = "tied", time = c(0, 0, 1, 1, 2, 2, 2, 3, 4, 5, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7),
             event = c(1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1), group = rep(c("a", "b"), each = 10)),
  data.frame(case = "half", time = c(1, 2, 3, 4, 1, 2, 3, 4, 2, 3, 4, 5),
             event = c(1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1), group = rep(c("a", "b", "c"), each = 4)),
  data.frame(case = "apart", time = c(2, 4, 5, 7, 9, 3, 5, 6, 8, 9, 1, 4, 6, 6, 9),
             event = c(1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0), group = rep(c("a", "b", "c"), each = 5)),
  data.frame(case = "before", time = c(1, 2, 2, 3, 4, 5, 6, 7), event = c(1, 1, 1, 1, 1, 0, 1, 1), group = rep(c("a", "b"), each = 4)),
  data.frame(case = "without", time = c(2, 3, 3, 5, 8, 9, 4, 6, 7, 9, 9, 10), event = c(1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0),
             group = rep(c("a", "b"), each = 6))
)
studies <- list(
  lung_sex = list(data = lung, by = "sex"),
  lung_sex_365 = list(data = transform(lung, event = ifelse(time > 365, 0, event), time = pmin(time, 365)), by = "sex"),
  lung_ph.ecog = list(data = subset(lung, !is.na(ph.ecog)), by = "ph.ecog"),
  veteran_celltype = list(data = veteran, by = "celltype"),
  veteran_trt = list(data = veteran, by = "trt")
)
for (case in unique(small$case)) studies[[case]] <- list(data = small[small$case == case, ], by = "group")
months <- list(lung = c(100, 200, 365, 500), veteran = c(30, 90, 180, 360), small = c(0, 1, 2.5, 4, 6))

km <- medians <- times <- tests <- NULL
limits <- function(table) unname(table[c("median", "0.95LCL", "0.95UCL")])
for (name in names(studies)) {
  study <- studies[[name]]
  data <- study$data
  data$group <- factor(as.character(data[[study$by]]))
  at <- months[[if (grepl("_", name)) sub("_.*", "", name) else "small"]]
  for (group in levels(data$group)) {
    own <- data[data$group == group, ]
    fit <- survfit(Surv(time, event) ~ 1, own, conf.type = "log-log")
    km <- rbind(km, data.frame(study = name, group, time = fit$time, at_risk = fit$n.risk, events = fit$n.event,
                               censored = fit$n.censor, survival = fit$surv, low = fit$lower, high = fit$upper))
    read <- summary(fit, times = at)
    if (length(read$time)) {
      times <- rbind(times, data.frame(study = name, group, time = read$time, at_risk = read$n.risk,
                                       survival = read$surv, low = read$lower, high = read$upper))
    }
    reverse <- survfit(Surv(time, 1 - event) ~ 1, own)
    found <- limits(summary(fit)$table)
    medians <- rbind(medians, data.frame(study = name, group, followed = nrow(own), events = sum(own$event), median = found[1],
                                         low = found[2], high = found[3], follow_up = limits(summary(reverse)$table)[1]))
  }
  add <- function(test, group, statistic, df, p, coefficient = NA, error = NA, low = NA, high = NA) {
    data.frame(study = name, test, group, statistic, df, p_value = p, coefficient, error, low, high)
  }
  rank <- survdiff(Surv(time, event) ~ group, data)
  df <- sum(rank$exp > 0) - 1
  tests <- rbind(tests, add("log_rank", NA, rank$chisq, df, pchisq(rank$chisq, df, lower.tail = FALSE)))
  # Of separated groups the likelihood comes to its limit, the coefficients go on.
  separated <- name %in% c("apart", "before", "without")
  control <- coxph.control(eps = 1e-11, iter.max = if (separated) 30 else 50)
  cox <- suppressWarnings(coxph(Surv(time, event) ~ group, data, ties = "efron", control = control))
  ratio <- 2 * diff(cox$loglik)
  df <- sum(!is.na(coef(cox)))
  tests <- rbind(tests, add("cox_likelihood_ratio", NA, ratio, df, pchisq(ratio, df, lower.tail = FALSE)))
  if (separated && length(levels(data$group)) == 2) { # where the likelihood is below its limit by 1.92
    x <- as.numeric(data$group == levels(data$group)[2])
    excess <- function(b) 2 * (cox$loglik[2] - coxph(Surv(time, event) ~ offset(b * x), data)$loglik) - qchisq(0.95, 1)
    limit <- uniroot(excess, c(-20, 20), tol = 1e-12)$root
    tests <- rbind(tests, add("limit", levels(data$group)[2], NA, NA, NA, limit))
  }
  if (separated) next
  found <- summary(cox)
  tests <- rbind(tests, add("cox", levels(data$group)[-1], found$coef[, "z"], 1, found$coef[, "Pr(>|z|)"],
                            found$coef[, "coef"], found$coef[, "se(coef)"],
                            found$conf.int[, "lower .95"], found$conf.int[, "upper .95"]))
  zph <- cox.zph(cox, transform = "km")$table
  tests <- rbind(tests, add("proportional_hazards", NA, zph["GLOBAL", "chisq"], zph["GLOBAL", "df"], zph["GLOBAL", "p"]))
}

write <- function(table, file, what) {
  for (column in names(table)) {
    if (is.double(table[[column]])) table[[column]] <- ifelse(is.na(table[[column]]), NA, sprintf("%.12g", table[[column]]))
  }
  writeLines(paste0(version, what), file)
  suppressWarnings(write.table(table, file, append = TRUE, sep = "\t", quote = FALSE, row.names = FALSE, na = ""))
}
write(km, "survival_km.tsv", "survfit, conf.type log-log")
write(medians, "survival_medians.tsv", "medians of survfit; follow_up: of the reversed event")
write(times, "survival_times.tsv", "summary of survfit at times")
write(tests, "survival_tests.tsv", "survdiff, coxph, cox.zph (transform km)")
write(small, "survival_small.tsv", "values of the small cases")
