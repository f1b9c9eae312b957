# What shares, their differences and their distributions are said to be, for mutation_frequency. R 4.2.2, package stats.
# Shares: prop.test(correct = FALSE) of one sample is Wilson's interval, binom.test that of Clopper and Pearson and
# the exact test. Pairs of shares: fisher.test (conditional odds ratio; its root finder is good to 1e-4), p.adjust(method = "BH").
# Distributions: chisq.test without and with simulate.p.value (200,000 tables).
# Run as: cd tests/oracles && Rscript mutation_frequency.R
version <- paste0("# R ", getRversion(), ", stats::fisher.test, prop.test(correct = FALSE), binom.test, chisq.test, p.adjust")
set.seed(1)

save <- function(table, name) {
  file <- file(name, "w")
  writeLines(version, file)
  write.table(format(table, digits = 15), file, sep = "\t", quote = FALSE, row.names = FALSE)
  close(file)
}

shares <- expand.grid(trials = c(1, 7, 40, 507, 820), share = c(0, 0.01, 0.04, 0.11, 0.6, 1), level = c(0.9, 0.95),
                      null = c(0.02, 0.19, 0.457))
shares$successes <- round(shares$trials * shares$share)
shares <- unique(shares[c("successes", "trials", "level", "null")])
wilson <- function(k, n, level) suppressWarnings(prop.test(k, n, conf.level = level, correct = FALSE)$conf.int)
exact <- function(k, n, null, level) binom.test(k, n, null, conf.level = level)
limits <- t(mapply(wilson, shares$successes, shares$trials, shares$level))
shares$wilson_low <- limits[, 1]
shares$wilson_high <- limits[, 2]
tests <- mapply(exact, shares$successes, shares$trials, shares$null, shares$level, SIMPLIFY = FALSE)
shares$exact_low <- sapply(tests, function(test) test$conf.int[1])
shares$exact_high <- sapply(tests, function(test) test$conf.int[2])
shares$p_value <- sapply(tests, function(test) test$p.value)
save(shares, "mutation_frequency_shares.tsv")

pairs <- expand.grid(profiled_1 = c(12, 507), profiled_2 = c(9, 630, 820), frequency_1 = c(0, 0.04, 0.06, 0.5, 1),
                     frequency_2 = c(0, 0.035, 0.11, 0.65, 1))
pairs$mutated_1 <- round(pairs$profiled_1 * pairs$frequency_1)
pairs$mutated_2 <- round(pairs$profiled_2 * pairs$frequency_2)
pairs <- unique(pairs[c("mutated_1", "profiled_1", "mutated_2", "profiled_2")])
both <- pairs$mutated_1 + pairs$mutated_2
pairs <- pairs[both > 0 & both < pairs$profiled_1 + pairs$profiled_2, ]
tests <- mapply(function(k, m, l, n) fisher.test(matrix(c(l, n - l, k, m - k), 2)), pairs$mutated_1, pairs$profiled_1,
                pairs$mutated_2, pairs$profiled_2, SIMPLIFY = FALSE)
pairs$odds_ratio <- sapply(tests, function(test) test$estimate)
pairs$odds_low <- sapply(tests, function(test) test$conf.int[1])
pairs$odds_high <- sapply(tests, function(test) test$conf.int[2])
pairs$p_value <- sapply(tests, function(test) test$p.value)
pairs$q_value <- p.adjust(pairs$p_value, "BH")
save(pairs, "mutation_frequency_pairs.tsv")

# Mutations of a protein in five domains: in one cohort against their shares of residues, and in two cohorts.
residues <- c(60, 118, 148, 285, 13)
distributions <- rbind(c(2, 4, 7, 12, 0), c(0, 9, 2, 17, 1), c(5, 1, 1, 0, 3), c(1, 2, 1, 1, 0))
others <- rbind(c(3, 5, 4, 9, 1), c(1, 1, 12, 15, 0), c(0, 6, 6, 12, 0), c(0, 1, 3, 8, 1))
found <- t(sapply(1:4, function(row) {
  seen <- distributions[row, ]
  table <- rbind(seen, others[row, ])
  table <- table[, colSums(table) > 0]
  c(seen, others[row, ],
    suppressWarnings(chisq.test(seen, p = residues / sum(residues))$statistic),
    chisq.test(seen, p = residues / sum(residues), simulate.p.value = TRUE, B = 200000)$p.value,
    suppressWarnings(chisq.test(table, correct = FALSE)$statistic),
    chisq.test(table, simulate.p.value = TRUE, B = 200000)$p.value)
}))
colnames(found) <- c(paste0("first_", 1:5), paste0("second_", 1:5), "fit", "fit_p", "between", "between_p")
save(as.data.frame(found), "mutation_frequency_domains.tsv")
