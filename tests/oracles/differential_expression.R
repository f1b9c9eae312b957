# What R DESeq2 makes of real and simulated counts. Run in this folder: Rscript differential_expression.R
# Written by R 4.2.2 with DESeq2 1.38.3 (Debian r-bioc-deseq2).
#
# The sets (tests/test_differential_expression.py builds the same counts and designs):
#   pasilla_simple     pasilla, 4 untreated and 3 treated, ~ condition
#   pasilla_blocked    the same, ~ type + condition (library type: single-read or paired-end)
#   pasilla_groups     the same, ~ group, group = type and condition: single.treated against single.untreated
#   lncap              LNCaP cells, 4 mock and 3 androgen-treated, ~ condition
#   lncap_tenth        the same, thinned to a tenth
#   lncap_five         the same, lanes 1, 2, 5, 6 and 8: 3 residual degrees of freedom
#   lines              4 lines x 2 conditions x 1 sample, ~ line + condition
#   lines_1            the same, line 1 alone: ~ group with the dispersions of ~ line + condition
#   outliers           simulated, 8 against 8 with counts planted far out, ~ condition
#   local              lncap with fitType = "local"
#
# Every eighth gene with a base mean of 1 or more is kept; `outlier` is a missing p-value.
suppressMessages(library(DESeq2))
counts_folder <- "../../../shared/data/counts"

# A uniform number for each count, the same in any language: the fractional parts of multiples of the golden ratio.
uniform <- function(counts) matrix((seq_along(counts) * 0.6180339887498949) %% 1, nrow(counts))
thinned <- function(counts, share) {
  counts[] <- as.integer(qbinom(uniform(counts), counts, share))
  counts
}

read_counts <- function(file, drop) {
  table <- read.delim(file.path(counts_folder, file), quote = "")
  as.matrix(data.frame(table[-drop], row.names = table$gene_id))
}

results_of <- function(dds, ...) {
  found <- results(dds, ..., alpha = 0.05)
  data.frame(
    gene_id = rownames(dds), base_mean = found$baseMean, dispersion = dispersions(dds),
    log2_fold_change = found$log2FoldChange, lfc_se = found$lfcSE, stat = found$stat,
    outlier = as.integer(is.na(found$pvalue)), q_value = found$padj
  )
}

parameters_of <- function(dds) {
  trend <- dispersionFunction(dds)
  coefficients <- attr(trend, "coefficients")
  if (is.null(coefficients)) coefficients <- c(NA, NA)
  data.frame(
    fit = attr(trend, "fitType"), a0 = coefficients[[1]], a1 = coefficients[[2]],
    prior_variance = attr(trend, "dispPriorVar"), residual_variance = attr(trend, "varLogDispEsts"),
    size_factors = paste(signif(sizeFactors(dds), 10), collapse = " ")
  )
}

fit <- function(counts, samples, design, ...) {
  samples[] <- lapply(samples, factor)
  dds <- DESeqDataSetFromMatrix(counts, samples, design)
  DESeq(dds, quiet = TRUE, ...)
}

pasilla <- read_counts("pasilla_gene_counts.tsv", 1)
type <- c("single", "single", "paired", "paired", "single", "paired", "paired")
condition <- rep(c("untreated", "treated"), c(4, 3))
lncap <- read_counts("Li2008_LNCaP_gene_counts.tsv.gz", 1:2)
androgen <- data.frame(condition = rep(c("mock", "dht"), c(4, 3)))

half <- thinned(pasilla[, "treated1", drop = FALSE], 0.5)
lines <- cbind(
  pasilla[, c("untreated1", "untreated2", "untreated3", "untreated4")],
  half, pasilla[, "treated1"] - half, pasilla[, c("treated2", "treated3")]
)
colnames(lines) <- paste0(rep(c("untreated", "treated"), each = 4), 1:4)
pairs <- data.frame(line = rep(paste0("line", 1:4), 2), condition = rep(c("untreated", "treated"), each = 4))

set.seed(1)
means <- exp(rnorm(2000, 5, 1.5))
effects <- ifelse(seq_along(means) %% 10 == 0, 2, 1)
simulated <- t(mapply(function(mean, effect) {
  rnbinom(16, mu = mean * rep(c(1, effect), each = 8), size = 1 / (0.05 + 2 / mean))
}, means, effects))
planted <- cbind(seq(5, 2000, 20), rep(1:16, length.out = 100))
simulated[planted] <- as.integer(simulated[planted] * 30L + 200L)
dimnames(simulated) <- list(sprintf("gene%04d", 1:2000), paste0("sample", 1:16))
groups <- data.frame(condition = rep(c("a", "b"), each = 8))

fits <- list(
  pasilla_simple = fit(pasilla, data.frame(condition), ~ condition),
  pasilla_blocked = fit(pasilla, data.frame(type, condition), ~ type + condition),
  pasilla_groups = fit(pasilla, data.frame(group = paste(type, condition, sep = ".")), ~ group),
  lncap = fit(lncap, androgen, ~ condition),
  lncap_tenth = fit(thinned(lncap, 0.1), androgen, ~ condition),
  lncap_five = fit(lncap[, -(3:4)], androgen[-(3:4), , drop = FALSE], ~ condition),
  lines = fit(lines, pairs, ~ line + condition),
  outliers = fit(simulated, groups, ~ condition),
  local = fit(lncap, androgen, ~ condition, fitType = "local")
)
lines_1 <- DESeqDataSetFromMatrix(lines, data.frame(group = paste(pairs$line, pairs$condition, sep = ".")), ~ group)
sizeFactors(lines_1) <- sizeFactors(fits$lines)
dispersions(lines_1) <- dispersions(fits$lines)
fits$lines_1 <- nbinomWaldTest(lines_1, quiet = TRUE)

treated <- c("condition", "treated", "untreated")
contrasts <- list(
  pasilla_simple = treated, pasilla_blocked = treated,
  pasilla_groups = c("group", "single.treated", "single.untreated"),
  lncap = c("condition", "dht", "mock"), lncap_tenth = c("condition", "dht", "mock"),
  lncap_five = c("condition", "dht", "mock"),
  lines = treated, outliers = c("condition", "b", "a"), local = c("condition", "dht", "mock"),
  lines_1 = c("group", "line1.treated", "line1.untreated")
)

table <- do.call(rbind, lapply(names(fits), function(set) {
  rows <- cbind(set = set, results_of(fits[[set]], contrast = contrasts[[set]]))
  rows <- rows[rows$base_mean >= 1, ]
  rows[seq(1, nrow(rows), 8), ]
}))
numbers <- sapply(table, is.numeric)
table[numbers] <- lapply(table[numbers], signif, 7)
out <- gzfile("differential_expression_genes.tsv.gz", "w")
write.table(table, out, sep = "\t", quote = FALSE, row.names = FALSE, na = "")
close(out)

parameters <- do.call(rbind, lapply(setdiff(names(fits), "lines_1"), function(set) {
  cbind(set = set, parameters_of(fits[[set]]))
}))
write.table(parameters, "differential_expression_parameters.tsv", sep = "\t", quote = FALSE, row.names = FALSE, na = "")

out <- gzfile("differential_expression_outlier_counts.tsv.gz", "w")
write.table(cbind(gene_id = rownames(simulated), simulated), out, sep = "\t", quote = FALSE, row.names = FALSE)
close(out)
