# What prcomp says, for tests/test_sample_projection.py: scaled and unscaled, with more variables than samples
# and with fewer.
#
# Run with R 4.2.2 (package stats).
#
# Input (../../../shared/data, read in place)
#   ssgsea_genepattern/P53_14.hallmark_v7.0.rank.w0.75.gct   52 scores of Hallmark sets in 14 cell lines
path <- "../../../shared/data/ssgsea_genepattern/P53_14.hallmark_v7.0.rank.w0.75.gct"
scores <- read.delim(path, skip = 2, check.names = FALSE)
scores <- t(as.matrix(data.frame(scores[-(1:2)], row.names = scores$Name, check.names = FALSE)))

long <- function(matrix, kind) {
  data.frame(kind, name = rownames(matrix)[row(matrix)], component = c(col(matrix)), value = signif(c(matrix), 15))
}
tables <- NULL
for (sets in c(52, 8)) {
  for (scale in c(FALSE, TRUE)) {
    fit <- prcomp(scores[, 1:sets], scale. = scale)
    kept <- seq_len(min(nrow(scores) - 1, sets)) # the 14th of 14 samples' components is empty
    table <- rbind(
      long(fit$x[, kept], "coordinate"),
      long(fit$rotation[, kept], "loading"),
      long(matrix(fit$sdev[kept]^2, 1, dimnames = list("all", NULL)), "variance")
    )
    tables <- rbind(tables, data.frame(sets, scaled = tolower(scale), table))
  }
}
write.table(tables, gzfile("sample_projection.tsv.gz"), sep = "\t", quote = FALSE, row.names = FALSE)
