# What GSVA and GenePattern's ssGSEA say, for tests/test_sample_enrichment.py.
#
# Run with R 4.2.2, GSVA 1.46.0 (Debian r-bioc-gsva), and src/ssGSEA.Library.R of github.com/GSEA-MSigDB/ssGSEA-gpmodule
# at b458d5a (BSD licence). That module is in no package: SSGSEA_GPMODULE names a clone of it, without which its
# table stays as it is.
#
# Input (../../../shared/data, read in place)
#   counts/Li2008_LNCaP_gene_counts.tsv.gz      the first row of each symbol; counts as they are: most genes tie
#   ssgsea_genepattern/P53_14samples_collapsed_symbols.gct
#   gene_sets/h.all.v7.0.symbols.gmt            Hallmark
suppressMessages(library(GSVA))
data <- "../../../shared/data"

read_gmt <- function(path) {
  fields <- strsplit(readLines(path), "\t")
  setNames(lapply(fields, function(line) unique(line[-(1:2)])), sapply(fields, `[`, 1))
}
write_scores <- function(scores, file) {
  table <- data.frame(gene_set = rownames(scores), signif(scores, 15), check.names = FALSE)
  write.table(table, gzfile(file), sep = "\t", quote = FALSE, row.names = FALSE)
}

hallmark <- read_gmt(file.path(data, "gene_sets/h.all.v7.0.symbols.gmt"))
counts <- read.delim(file.path(data, "counts/Li2008_LNCaP_gene_counts.tsv.gz"), check.names = FALSE)
counts <- counts[counts$gene_name != "" & !duplicated(counts$gene_name), ]
counts <- as.matrix(data.frame(counts[-(1:2)], row.names = counts$gene_name, check.names = FALSE))
for (norm in c(FALSE, TRUE)) {
  scores <- gsva(counts, hallmark, method = "ssgsea", ssgsea.norm = norm, verbose = FALSE)
  write_scores(scores, sprintf("sample_enrichment_gsva_%s.tsv.gz", if (norm) "normalised" else "raw"))
}

module <- Sys.getenv("SSGSEA_GPMODULE")
if (nzchar(module)) {
  source(file.path(module, "src/common.R"))
  source(file.path(module, "src/ssGSEA.Library.R"))
  projected <- tempfile(fileext = ".gct")
  ssGSEA.project.dataset(
    file.path(data, "ssgsea_genepattern/P53_14samples_collapsed_symbols.gct"), projected,
    gene.sets.dbfile.list = file.path(data, "gene_sets/h.all.v7.0.symbols.gmt"),
    sample.norm.type = "none", weight = 0.75, combine.mode = "combine.off", min.overlap = 10
  )
  scores <- read.delim(projected, skip = 2, check.names = FALSE)
  scores <- as.matrix(data.frame(scores[-(1:2)], row.names = scores[[1]], check.names = FALSE))
  write_scores(scores, "sample_enrichment_genepattern_none.tsv.gz")
}
