# What two proportions and one are said to be, for variant_comparison. R 4.2.2, package stats.
# Score test of two proportions: prop.test(correct = FALSE). Wilson: prop.test of one sample. One-sided upper
# bound of Clopper and Pearson: binom.test(alternative = "less"). q-values: p.adjust(method = "BH").
# Newcombe's interval (method 10) from prop.test's one-sample limits, as his paper defines it.
# Run as: cd tests/oracles && Rscript variant_comparison.R
version <- paste0("# R ", getRversion(), ", stats::prop.test(correct = FALSE), binom.test, p.adjust")

save <- function(table, name) {
  file <- file(name, "w")
  writeLines(version, file)
  write.table(format(table, digits = 15), file, sep = "\t", quote = FALSE, row.names = FALSE)
  close(file)
}
limits <- function(k, n, level) suppressWarnings(prop.test(k, n, conf.level = level, correct = FALSE)$conf.int)

cases <- expand.grid(trials = c(1, 3, 40, 200, 1650, 20000), share = c(0, 0.002, 0.03, 0.5, 0.985, 1), level = c(0.9, 0.95))
cases$successes <- round(cases$trials * cases$share)
cases <- unique(cases[c("successes", "trials", "level")])
both <- t(mapply(limits, cases$successes, cases$trials, cases$level))
cases$low <- both[, 1]
cases$high <- both[, 2]
cases$upper <- mapply(function(k, n, level) binom.test(k, n, alternative = "less", conf.level = level)$conf.int[2],
                      cases$successes, cases$trials, cases$level)
save(cases, "variant_comparison_shares.tsv")

pairs <- expand.grid(m = c(20, 180, 2000), n = c(35, 200, 1500), p = c(0.03, 0.48, 0.99), q = c(0.03, 0.35, 0.64, 0.97))
pairs$successes_m <- round(pairs$m * pairs$p)
pairs$successes_n <- round(pairs$n * pairs$q)
pairs <- unique(pairs[c("successes_m", "m", "successes_n", "n")])
pairs$p_value <- suppressWarnings(mapply(function(k, m, l, n) prop.test(c(k, l), c(m, n), correct = FALSE)$p.value,
                                         pairs$successes_m, pairs$m, pairs$successes_n, pairs$n))
pairs <- pairs[is.finite(pairs$p_value), ]
one <- t(mapply(limits, pairs$successes_m, pairs$m, 0.95))
two <- t(mapply(limits, pairs$successes_n, pairs$n, 0.95))
p <- pairs$successes_m / pairs$m
q <- pairs$successes_n / pairs$n
pairs$low <- q - p - sqrt((q - two[, 1])^2 + (one[, 2] - p)^2)
pairs$high <- q - p + sqrt((two[, 2] - q)^2 + (p - one[, 1])^2)
pairs$q_value <- p.adjust(pairs$p_value, "BH")
save(pairs, "variant_comparison_pairs.tsv")
