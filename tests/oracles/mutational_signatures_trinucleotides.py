"""How often each trinucleotide is in the human genome and exome, for tests/test_mutational_signatures.py.

As SigProfilerMatrixGenerator 1.4.0 (PyPI, BSD-2) counted them; a trinucleotide has a pyrimidine in its middle
and stands for both strands. To write the table anew:

    pip download --no-deps SigProfilerMatrixGenerator==1.4.0
    python mutational_signatures_trinucleotides.py sigprofilermatrixgenerator-1.4.0-py3-none-any.whl
"""

import sys
from zipfile import ZipFile

import pandas as pd

FOLDER = "SigProfilerMatrixGenerator/references/chromosomes/context_distributions"

if __name__ == "__main__":
    table = []
    with ZipFile(sys.argv[1]) as wheel:
        for build in ("GRCh37", "GRCh38"):
            for region, suffix in (("genome", ""), ("exome", "_exome")):
                with wheel.open(f"{FOLDER}/context_counts_{build}_96{suffix}.csv") as counts:
                    chromosomes = pd.read_csv(counts, index_col=0)
                total = (
                    chromosomes.sum(axis=1).round().astype(int).rename("count").rename_axis("trinucleotide")
                )
                table.append(total.reset_index().assign(genome_build=build, region=region))
    columns = ["genome_build", "region", "trinucleotide", "count"]
    pd.concat(table)[columns].to_csv("mutational_signatures_trinucleotides.tsv", sep="\t", index=False)
