# What edgeR says of four studies: which genes filterByExpr keeps, TMM factors, log-CPM.
# R 4.2.2, edgeR 3.40.2 (Debian bookworm r-bioc-edger). Run here: Rscript normalise_expression.R
# The counts are read from the reference data beside the project; `thinned` and `many_samples` are made
# from them by whole division, so that a test can make them too:
#   thinned       Li2008_LNCaP, counts %/% 50: few reads, so that most genes tie
#   many_samples  pasilla %/% 1, 2, 3, 4 side by side: 28 samples, the smaller group above 10
suppressPackageStartupMessages(library(edgeR))

data <- "../../../shared/data/counts"
lncap <- as.matrix(read.delim(file.path(data, "Li2008_LNCaP_gene_counts.tsv.gz"), row.names = 1)[, -1])
pasilla <- as.matrix(read.delim(file.path(data, "pasilla_gene_counts.tsv"), row.names = 1))
lncap_group <- rep(c("mock", "treated"), c(4, 3))
pasilla_group <- sub("[0-9]$", "", colnames(pasilla))
many <- do.call(cbind, lapply(1:4, function(divisor) {
  counts <- pasilla %/% divisor
  colnames(counts) <- paste0(colnames(counts), "_", divisor)
  counts
}))

studies <- list(
  pasilla = list(pasilla, pasilla_group),
  lncap = list(lncap, lncap_group),
  thinned = list(lncap %/% 50, lncap_group),
  many_samples = list(many, rep(pasilla_group, 4))
)

set.seed(1)
results <- lapply(names(studies), function(study) {
  y <- DGEList(studies[[study]][[1]], group = studies[[study]][[2]])
  y <- y[filterByExpr(y), , keep.lib.sizes = FALSE]
  y <- calcNormFactors(y)
  log_cpm <- cpm(y, log = TRUE, prior.count = 2)
  sampled <- sort(sample(nrow(y), 100))
  list(
    expressed = data.frame(study, gene_id = rownames(y)),
    factors = data.frame(study, sample = colnames(y), library_size = y$samples$lib.size,
      norm_factor = sprintf("%.15g", y$samples$norm.factors)),
    log_cpm = data.frame(study, gene_id = rownames(y)[sampled], sample = rep(colnames(y), each = 100),
      log_cpm = sprintf("%.12g", log_cpm[sampled, ]))
  )
})
for (table in c("expressed", "factors", "log_cpm")) {
  connection <- gzfile(paste0("normalise_expression_", table, ".tsv.gz"), "wb", compression = 9)
  write.table(do.call(rbind, lapply(results, `[[`, table)), connection, sep = "\t", quote = FALSE, row.names = FALSE)
  close(connection)
}
