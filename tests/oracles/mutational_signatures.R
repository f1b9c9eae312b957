# What deconstructSigs says, for tests/test_mutational_signatures.py: weights of the sixteen signatures in the sum and
# the first 60 of the tumours of TCGA (HNSC, MC3), with the signatures of the genome and of the exome.
#
# Run with R 4.2.2 and deconstructSigs 1.9.0 (github raerose01/deconstructSigs, commit 41a705c; GPL), which is not
# part of this project: the functions are sourced from a clone, or from the folder that DECONSTRUCTSIGS names.
# contexts.needed = TRUE, tri.counts.method = "default" and signature.cutoff = 0.06, the last two being defaults.
#
# Input (../../../shared/data, read in place)
#   tcga_hnsc/TCGA_MC3_HeadSCC_SBS96_counts_464.csv.gz       substitutions of 464 exomes in 96 contexts
#   signatures/COSMIC_v3.3_SBS_GRCh37{,_exome}.txt           COSMIC's signatures
folder <- Sys.getenv("DECONSTRUCTSIGS", file.path(tempdir(), "deconstructSigs"))
if (!dir.exists(folder)) {
  system2("git", c("clone", "--quiet", "https://github.com/raerose01/deconstructSigs", folder))
  system2("git", c("-C", folder, "checkout", "--quiet", "41a705c"))
}
for (file in c("golden_section_search.R", "internal.scripts.R", "normalize.data.R", "whichSignatures.R")) {
  source(file.path(folder, "R", file))
}
shared <- "../../../shared/data"
counts <- read.csv(
  gzfile(file.path(shared, "tcga_hnsc/TCGA_MC3_HeadSCC_SBS96_counts_464.csv.gz")),
  row.names = 1, check.names = FALSE
)
tumours <- as.data.frame(t(cbind(POOLED = rowSums(counts), counts[, 1:60])))
sixteen <- paste0("SBS", c(1, 2, 3, 4, 5, "7a", "7b", "7d", 13, 16, "17a", "17b", 18, 31, 33, 35))

table <- NULL
for (matrix in c("genome", "exome")) {
  name <- paste0("signatures/COSMIC_v3.3_SBS_GRCh37", if (matrix == "exome") "_exome", ".txt")
  signatures <- read.delim(file.path(shared, name), row.names = 1, check.names = FALSE)
  signatures <- as.data.frame(t(signatures[rownames(counts), sixteen]))
  for (sample in rownames(tumours)) {
    fit <- whichSignatures(tumours, sample, signatures, contexts.needed = TRUE)
    table <- rbind(table, data.frame(matrix, sample, signif(fit$weights, 15), unknown = signif(fit$unknown, 15)))
  }
}
write.table(
  table, gzfile("mutational_signatures_weights.tsv.gz"), sep = "\t", quote = FALSE, row.names = FALSE
)
