# What gffread cuts of a small made-up genome: both strands, one to nine exons, soft masking, codes of ambiguity.
# R 4.2.2, gffread 0.12.7 (Debian bookworm gffread). Run here: Rscript prepare_reference.R
# Written are its inputs, prepare_reference.fa.gz and prepare_reference.gtf.gz, and the transcripts it cuts.
set.seed(1)
write_gz <- function(lines, path) {
  connection <- gzfile(path, "wb", compression = 9)
  writeLines(lines, connection)
  close(connection)
}

contigs <- c(chr1 = 6000, chr2 = 2999, chrM = 61)
genome <- lapply(contigs, function(length) {
  sample(c("A", "C", "G", "T", "a", "c", "g", "t", "N", "R", "y"), length, TRUE, c(rep(0.24, 4), rep(0.12, 4), 0.01, 0.01, 0.01))
})
fasta <- unlist(lapply(names(genome), function(name) {
  text <- paste(genome[[name]], collapse = "")
  starts <- seq(1, nchar(text), 70)
  c(paste0(">", name, " made up"), substring(text, starts, starts + 69))
}))
write_gz(fasta, "prepare_reference.fa.gz")

gtf <- "#!made up"
for (number in 1:60) {
  contig <- sample(names(contigs)[1:2], 1)
  strand <- sample(c("+", "-"), 1)
  exons <- sample(1:9, 1)
  cuts <- sort(sample(contigs[[contig]], 2 * exons))
  attributes <- sprintf("gene_id \"G%d\"; transcript_id \"T%d\";", (number + 1) %/% 2, number)
  span <- range(cuts)
  row <- function(feature, start, end) paste(contig, "made_up", feature, start, end, ".", strand, ".", attributes, sep = "\t")
  first <- cuts[c(TRUE, FALSE)]
  last <- cuts[c(FALSE, TRUE)]
  order <- if (strand == "+") seq_along(first) else rev(seq_along(first))
  gtf <- c(gtf, row("transcript", span[1], span[2]), row("exon", first[order], last[order]))
}
write_gz(gtf, "prepare_reference.gtf.gz")

folder <- tempfile()
dir.create(folder)
inputs <- file.path(folder, c("genome.fa", "annotation.gtf", "transcripts.fa"))
writeLines(fasta, inputs[1])
writeLines(gtf, inputs[2])
stopifnot(system2("gffread", c("-w", inputs[3], "-g", inputs[1], inputs[2])) == 0)
write_gz(readLines(inputs[3]), "prepare_reference_transcripts.fa.gz")
