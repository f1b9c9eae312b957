# Wilson's score intervals (prop.test without continuity correction) and p-values adjusted by Holm's method.
# R 4.2.2, package stats. Writes locus_genotype_wilson.tsv and locus_genotype_holm.tsv.
# Run as: cd tests/oracles && Rscript locus_genotype.R
version <- paste0("# R ", getRversion(), ", stats::", c("prop.test(correct = FALSE)", "p.adjust(method = 'holm')"))

cases <- expand.grid(trials = c(1, 2, 7, 20, 137, 5000), share = c(0, 0.03, 0.2, 0.5, 0.77, 1))
cases$successes <- round(cases$trials * cases$share)
cases <- unique(cases[c("successes", "trials")])
limits <- t(suppressWarnings(mapply(function(k, n) prop.test(k, n, correct = FALSE)$conf.int, cases$successes, cases$trials)))
cases$low <- limits[, 1]
cases$high <- limits[, 2]
file <- file("locus_genotype_wilson.tsv", "w")
writeLines(version[1], file)
write.table(format(cases, digits = 15), file, sep = "\t", quote = FALSE, row.names = FALSE)
close(file)

p <- c(0.01, 0.04, 0.03, 0.005, 0.005, 0.9, 1, 1e-12)
file <- file("locus_genotype_holm.tsv", "w")
writeLines(version[2], file)
write.table(format(data.frame(p = p, adjusted = p.adjust(p, "holm")), digits = 15), file, sep = "\t", quote = FALSE, row.names = FALSE)
close(file)
