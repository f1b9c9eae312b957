# Four-parameter dose-response curves by nls, intervals by confint (profile t of MASS), F tests by anova.
# Run in this folder: Rscript fit_dose_curves.R
suppressPackageStartupMessages(library(MASS))
header <- sprintf("# R %s, MASS %s", getRversion(), packageVersion("MASS"))
save <- function(table, name) {
  path <- sprintf("fit_dose_curves_%s.tsv", name)
  writeLines(header, path)
  suppressWarnings(write.table(format(table, digits = 12, trim = TRUE), path, sep = "\t", quote = FALSE,
                               row.names = FALSE, append = TRUE))
}

model <- y ~ bottom + (top - bottom) / (1 + 10^(slope * (ic50 - x)))
zero <- y ~ top / (1 + 10^(slope * (ic50 - x)))
one <- y ~ bottom + (top - bottom) / (1 + 10^(x - ic50))
control <- nls.control(maxiter = 500, tol = 1e-6, minFactor = 1e-12)
starts <- function(data) list(
  bottom = min(data$y) - 1, top = max(data$y) + 1, slope = -1.3, ic50 = data$x[which.min(abs(data$y - mean(range(data$y))))])
# Port finds the optimum from afar; Gauss-Newton from there.
fitted_by <- function(formula, data, start) {
  near <- nls(formula, data, start, algorithm = "port", control = nls.control(maxiter = 500, warnOnly = TRUE))
  nls(formula, data, as.list(coef(near)), control = control)
}
interval <- function(fit, what) tryCatch(suppressMessages(confint(fit, what)), error = function(e) c(NA, NA))

# Curves: ryegrass (dose 0 as 10^-9), published viabilities, and simulated experiments.
ryegrass <- read.csv("../../../shared/data/dose_response/ryegrass.csv")
curves <- list(ryegrass = data.frame(x = log10(pmax(ryegrass$conc, 1e-9)), y = ryegrass$rootl))
ccle <- read.csv(gzfile("../../../shared/data/dose_response/CCLE2012_dose_response_11670_curves.csv.gz"))
for (row in seq(1, nrow(ccle), 97)) {
  x <- log10(as.numeric(ccle[row, grep("^dose", names(ccle))]))
  y <- as.numeric(ccle[row, grep("^via", names(ccle))])
  curves[[as.character(ccle$curve[row])]] <- data.frame(x = x, y = y)[is.finite(x) & is.finite(y), ]
}
set.seed(1)
simulated <- list()
for (pair in 1:8) for (side in 1:2) {
  dose <- rep(c(0.3, 1, 3, 10, 30, 100, 300), each = 3)
  ic50 <- c(8, 8 * 1.25^(pair - 1))[side]
  y <- 4 + 94 / (1 + (dose / ic50)^(1 + pair / 10)) + rnorm(length(dose), 0, 5)
  name <- sprintf("simulated_%d_%d", pair, side)
  simulated[[name]] <- data.frame(curve = name, experiment = rep(1:3, 7), dose = dose, response = round(y, 3))
  curves[[name]] <- with(simulated[[name]], data.frame(x = log10(dose), y = response))
}
save(do.call(rbind, simulated), "values")

rows <- list()
for (name in names(curves)) {
  data <- curves[[name]]
  found <- tryCatch({
    fit <- fitted_by(model, data, starts(data))
    p <- coef(summary(fit))
    ends <- interval(fit, "ic50")
    list(fit = fit, p = p, ends = ends)
  }, error = function(e) NULL)
  # Those where all is well within bounds; nls finds no others.
  if (is.null(found) || anyNA(found$ends) || found$p["slope", 1] > -0.3 || found$p["slope", 1] < -8) next
  if (found$p["ic50", 1] > max(data$x)) next
  rows[[name]] <- data.frame(curve = name, t(found$p[, 1]), se = t(found$p[, 2]), rss = deviance(found$fit),
                             df = df.residual(found$fit), low = found$ends[1], high = found$ends[2])
}
save(do.call(rbind, rows), "curves")

rows <- list()
for (name in names(simulated)) {
  data <- curves[[name]]
  for (kind in c("3pl_bottom", "3pl_slope")) {
    start <- starts(data)[if (kind == "3pl_bottom") -1 else -3]
    fit <- fitted_by(if (kind == "3pl_bottom") zero else one, data, start)
    ends <- interval(fit, "ic50")
    rows[[paste(name, kind)]] <- data.frame(curve = name, model = kind, ic50 = coef(fit)[["ic50"]],
      se = coef(summary(fit))["ic50", 2], rss = deviance(fit), low = ends[1], high = ends[2])
  }
}
save(do.call(rbind, rows), "three")

# Pairs: separate curves, one IC50 for both, one curve for both.
rows <- list()
for (pair in 1:8) {
  a <- curves[[sprintf("simulated_%d_1", pair)]]
  b <- curves[[sprintf("simulated_%d_2", pair)]]
  data <- rbind(cbind(a, z = 0), cbind(b, z = 1))
  p <- coef(fitted_by(model, a, starts(a)))
  q <- coef(fitted_by(model, b, starts(b)))
  both <- list(b1 = p[[1]], t1 = p[[2]], s1 = p[[3]], b2 = q[[1]], t2 = q[[2]], s2 = q[[3]])
  full <- fitted_by(y ~ (1 - z) * (b1 + (t1 - b1) / (1 + 10^(s1 * (e - x)))) +
                z * (b2 + (t2 - b2) / (1 + 10^(s2 * (e + fold - x)))), data,
              c(both, list(e = p[[4]], fold = q[[4]] - p[[4]])))
  shared <- fitted_by(y ~ (1 - z) * (b1 + (t1 - b1) / (1 + 10^(s1 * (e - x)))) +
                  z * (b2 + (t2 - b2) / (1 + 10^(s2 * (e - x)))), data, c(both, list(e = (p[[4]] + q[[4]]) / 2)))
  single <- fitted_by(model, data, starts(data))
  tests <- list(shared_ic50 = anova(shared, full), one_curve = anova(single, full))
  ends <- interval(full, "fold")
  for (null in names(tests)) {
    small <- list(shared_ic50 = shared, one_curve = single)[[null]]
    criterion <- function(fit) { n <- nobs(fit); k <- length(coef(fit)) + 1
      n * log(deviance(fit) / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1) }
    rows[[paste(pair, null)]] <- data.frame(
      pair = pair, null_hypothesis = null, f = tests[[null]][["F value"]][2], df_1 = tests[[null]]$Df[2],
      df_2 = tests[[null]]$Res.Df[2], p = tests[[null]][["Pr(>F)"]][2], fold = coef(full)[["fold"]],
      low = ends[1], high = ends[2], aicc_difference = criterion(small) - criterion(full))
  }
}
save(do.call(rbind, rows), "pairs")
