# What limma's camera says of sets of genes, for tests/test_target_score.py.
# R 4.2.2, limma 3.54.1 (Debian bookworm r-bioc-limma). Run here: Rscript target_score.R
# Input: differential_expression_genes.tsv.gz beside this script, Wald statistics of DESeq2 in real studies, genes in
# their order. The sets, which a test can make too:
#   every_<step>   every 80th, 40th, 20th gene
#   top_<size>     the genes with the largest statistics, every third of them
suppressMessages(library(limma))

genes <- read.delim("differential_expression_genes.tsv.gz")
rows <- lapply(c("pasilla_simple", "pasilla_blocked", "lncap", "lncap_tenth"), function(study) {
  stat <- genes$stat[genes$set == study]
  stat <- stat[!is.na(stat)]
  ranked <- order(-stat)
  sets <- list(
    every_80 = seq(1, length(stat), 80), every_40 = seq(1, length(stat), 40), every_20 = seq(1, length(stat), 20),
    top_15 = ranked[seq(1, 45, 3)], top_27 = ranked[seq(1, 81, 3)], top_150 = ranked[seq(1, 450, 3)]
  )
  found <- cameraPR(stat, sets, use.ranks = FALSE, inter.gene.cor = 0.01, sort = FALSE)
  data.frame(study, set = names(sets), genes = found$NGenes, direction = found$Direction,
    p_value = sprintf("%.12g", found$PValue))
})
write.table(do.call(rbind, rows), "target_score.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
