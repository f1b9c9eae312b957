# What tximport says of the six samples of tximportData: abundance, length, and counts of all three kinds.
# R 4.2.2, tximport 1.26.1 (Debian bookworm r-bioc-tximport). Run here: Rscript gene_counts.R
# Written are 400 of all genes: 150 drawn at random, 250 of those that lack abundance in some or all samples
# (where the length is filled in); and the sums over all genes, with those of the squares, a row a sample.
suppressPackageStartupMessages(library(tximport))

data <- "../../../shared/data/tximport_salmon_quant"
samples <- c("ERR188297", "ERR188088", "ERR188329", "ERR188288", "ERR188021", "ERR188356")
files <- setNames(file.path(data, paste0(samples, ".quant.sf.gz")), samples)
tx2gene <- read.csv(file.path(data, "tx2gene.csv.gz"))

methods <- c("no", "scaledTPM", "lengthScaledTPM")
all <- lapply(setNames(methods, methods), function(method) {
  tximport(files, type = "salmon", tx2gene = tx2gene, countsFromAbundance = method,
    importer = function(x) read.csv(x, sep = "\t", header = TRUE))
})
tables <- c(list(abundance = all$no$abundance, length = all$no$length),
  setNames(lapply(all, `[[`, "counts"), methods))

set.seed(1)
zeros <- rowSums(all$no$abundance == 0)
some <- sample(which(zeros > 0 & zeros < length(samples)), 150)
never <- sample(which(zeros == length(samples)), 100)
genes <- sort(c(some, never, sample(setdiff(seq_along(zeros), c(some, never)), 150)))
rows <- function(values, table) {
  data.frame(table, gene_id = rep(rownames(values), ncol(values)), sample = rep(colnames(values), each = nrow(values)),
    value = sprintf("%.12g", values))
}
sums <- function(values, table) {
  data.frame(table, sample = colnames(values), genes = nrow(values), sum = sprintf("%.15g", colSums(values)),
    sum_of_squares = sprintf("%.15g", colSums(values^2)))
}
write_gz <- function(table, path) {
  connection <- gzfile(path, "wb", compression = 9)
  write.table(table, connection, sep = "\t", quote = FALSE, row.names = FALSE)
  close(connection)
}
write_gz(do.call(rbind, Map(function(values, table) rows(values[genes, ], table), tables, names(tables))),
  "gene_counts_genes.tsv.gz")
write_gz(do.call(rbind, Map(sums, tables, names(tables))), "gene_counts_sums.tsv.gz")
