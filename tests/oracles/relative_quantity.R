# Standard curves (lm, confint), quantities by inverse prediction, and their errors by the delta method with
# numerical derivatives over all parameters (vcov of the curves, pooled variances of lm over the samples).
# R 4.2.2, package stats. Writes relative_quantity_wells.tsv (drawn here, seed 1), relative_quantity_standards.tsv
# and relative_quantity_quantities.tsv. Run as: cd tests/oracles && Rscript relative_quantity.R
set.seed(1)
genes <- data.frame(gene = c("GAPDH", "ACTB", "NQO1"), slope = c(-3.35, -3.2, -3.6), ct = c(18, 19, 24))
cells <- expand.grid(line = c("A", "B"), condition = c("parental", "resistant"), stringsAsFactors = FALSE)
wells <- NULL
for (plate in 1:2) for (g in 1:3) {
  at <- function(log_quantity, sd) round(genes$ct[g] + genes$slope[g] * (log_quantity - 2) + rnorm(length(log_quantity), 0, sd), 3)
  quantity <- rep(100 / 4^(0:4), each = 2)
  wells <- rbind(wells, data.frame(plate, gene = genes$gene[g], role = "standard", quantity, ct = at(log10(quantity), 0.1), line = "", condition = "", condition_role = "", replicate = ""))
  for (i in seq_len(nrow(cells))) {
    amount <- rep(runif(1, 0.5, 1.7), 3)
    role <- ifelse(cells$condition[i] == "parental", "reference", "target")
    wells <- rbind(wells, data.frame(plate, gene = genes$gene[g], role = "sample", quantity = NA, ct = at(amount, 0.06), line = cells$line[i], condition = cells$condition[i], condition_role = role, replicate = plate))
  }
}
wells <- data.frame(plate = wells$plate, well = "", wells[-1])
write_rounded <- function(table, name) {
  number <- sapply(table, is.numeric)
  table[number] <- lapply(table[number], function(x) ifelse(is.na(x), "", sprintf("%.15g", x)))
  write.table(table, name, sep = "\t", quote = FALSE, row.names = FALSE)
}
write_rounded(wells, "relative_quantity_wells.tsv")

standards <- NULL
values <- c()       # means of cycles, intercepts and slopes, by name
covariance <- matrix(0, 0, 0)
blocks <- list()    # names of values, and their degrees of freedom
append_block <- function(covariance, block) {
  n <- nrow(covariance); k <- nrow(block)
  rbind(cbind(covariance, matrix(0, n, k)), cbind(matrix(0, k, n), block))
}
for (plate in 1:2) for (gene in genes$gene) {
  own <- wells[wells$plate == plate & wells$gene == gene, ]
  curve <- lm(ct ~ log10(quantity), own, subset = role == "standard")
  limits <- confint(curve, level = 0.95)[2, ]
  standards <- rbind(standards, data.frame(
    plate, gene, slope = coef(curve)[[2]], slope_se = sqrt(vcov(curve)[2, 2]), intercept = coef(curve)[[1]],
    intercept_se = sqrt(vcov(curve)[1, 1]), r_squared = summary(curve)$r.squared, residual_sd = sigma(curve),
    efficiency = 10^(-1 / coef(curve)[[2]]) - 1, efficiency_low = 10^(-1 / limits[[1]]) - 1,
    efficiency_high = 10^(-1 / limits[[2]]) - 1))
  key <- paste(plate, gene)
  names <- paste(key, c("intercept", "slope"))
  values[names] <- coef(curve)
  covariance <- append_block(covariance, vcov(curve))
  blocks[[length(blocks) + 1]] <- list(names = names, df = df.residual(curve))
  samples <- own[own$role == "sample", ]
  samples$cell <- paste(samples$line, samples$condition)
  pooled <- lm(ct ~ cell, samples)
  means <- tapply(samples$ct, samples$cell, mean)
  counts <- tapply(samples$ct, samples$cell, length)
  names <- paste(key, names(means))
  values[names] <- means
  covariance <- append_block(covariance, diag(sigma(pooled)^2 / counts))
  blocks[[length(blocks) + 1]] <- list(names = names, df = df.residual(pooled))
}
dimnames(covariance) <- list(names(values), names(values))
write_rounded(standards, "relative_quantity_standards.tsv")

log_quantity <- function(v, plate, gene, cell) {
  key <- paste(plate, gene)
  (v[[paste(key, cell)]] - v[[paste(key, "intercept")]]) / v[[paste(key, "slope")]]
}
ratio <- function(v, plate, cell) {
  log_quantity(v, plate, "NQO1", cell) - (log_quantity(v, plate, "GAPDH", cell) + log_quantity(v, plate, "ACTB", cell)) / 2
}
relative <- function(v, plate, line, cell) {
  calibrator <- paste(line, "parental")
  ratio(v, plate, cell) - (ratio(v, 1, calibrator) + ratio(v, 2, calibrator)) / 2
}
delta <- function(f) {
  gradient <- sapply(names(values), function(name) {
    step <- 1e-4
    up <- down <- values
    up[name] <- up[name] + step
    down[name] <- down[name] - step
    (f(up) - f(down)) / (2 * step)
  })
  parts <- sapply(blocks, function(block) drop(gradient[block$names] %*% covariance[block$names, block$names] %*% gradient[block$names]))
  df <- sum(parts)^2 / sum(parts^2 / sapply(blocks, `[[`, "df"))
  c(f(values), sqrt(sum(parts)), df)
}
quantities <- NULL
for (plate in 1:2) for (i in seq_len(nrow(cells))) {
  cell <- paste(cells$line[i], cells$condition[i])
  one <- delta(function(v) ratio(v, plate, cell))
  two <- delta(function(v) relative(v, plate, cells$line[i], cell))
  raw <- delta(function(v) log_quantity(v, plate, "NQO1", cell))
  reach <- qt(0.975, two[3]) * two[2]
  quantities <- rbind(quantities, data.frame(
    line = cells$line[i], condition = cells$condition[i], replicate = plate,
    quantity = 10^two[1], quantity_se = 10^two[1] * log(10) * two[2], quantity_low = 10^(two[1] - reach),
    quantity_high = 10^(two[1] + reach), quantity_to_housekeeping = 10^one[1],
    quantity_to_housekeeping_se = 10^one[1] * log(10) * one[2], raw = 10^raw[1],
    raw_low = 10^(raw[1] - qt(0.975, raw[3]) * raw[2]), raw_high = 10^(raw[1] + qt(0.975, raw[3]) * raw[2])))
}
write_rounded(quantities, "relative_quantity_quantities.tsv")
