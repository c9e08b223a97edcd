"""
Contacts in a protein from an alignment
=======================================

Two sites of a protein that touch change together in evolution: where one gets larger,
the other has to get smaller. So in an alignment, a row for each species and a column
for each site, columns of sites in contact go together. But so do columns of sites that
touch a common third. A pairwise :class:`~skebm.MarkovRandomField`, the Potts model of
direct coupling analysis, tells direct couplings from these.
"""

# %%
# A planted protein
# -----------------
# A real alignment does not say what is right. Here the contacts are planted: a hairpin
# of 40 sites, in which a chain turns back on itself. Neighbours along the chain touch,
# and so do sites that come to lie beside each other. Each contact has a table of 21 by
# 21 potentials, of 20 amino acids and the gap, some of them strong, some weak. The graph is a ladder, so sums over all
# :math:`21^{40}` sequences are exact, and sequences are drawn from the law itself.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import mutual_info_score

from skebm import MarkovRandomField, similarity_weights

n_sites, n_levels = 40, 21
rng = np.random.default_rng(0)
chain = [(i, i + 1) for i in range(n_sites - 1)]
rungs = [(i, n_sites - 1 - i) for i in range(n_sites // 2 - 2)]
potentials = {
    pair: np.exp(rng.uniform(0.8, 2.5) * rng.normal(size=(n_levels, n_levels)))
    for pair in chain + rungs
}
protein = MarkovRandomField.from_potentials(potentials)
print(f"log Z {protein.log_partition():.4f}, error {protein.log_partition_std_}")
alignment = protein.sample(2000, random_state=0)

# %%
# Who is coupled with whom
# ------------------------
# To the model that learns, every two sites may be coupled. Sums over all sequences are
# then out of reach, and the pseudolikelihood is climbed instead. With 344 000 entries of
# tables for 2000 rows the penalty has to be strong.
# :meth:`~skebm.MarkovRandomField.coupling_strengths` makes one number of each table,
# corrected for columns that seem coupled with all others. For comparison, the mutual
# information of each two columns, which knows nothing of third ones, is corrected in the
# same way.

model = MarkovRandomField(alpha=0.01, tol=1e-2).fit(alignment)
strengths = model.coupling_strengths()

information = np.zeros((n_sites, n_sites))
for i in range(n_sites):
    for j in range(i):
        shared = mutual_info_score(alignment[:, i], alignment[:, j])
        information[i, j] = information[j, i] = shared
mean = information.sum(axis=0) / (n_sites - 1)
information -= np.outer(mean, mean) / mean.mean()
np.fill_diagonal(information, 0)

# %%
# Above the diagonal the strengths that were found, below it the contacts that were
# planted. Mutual information sees second neighbours along strong contacts before it sees
# weak contacts. On the right, how many of the strongest pairs are contacts.

contacts = np.zeros((n_sites, n_sites), dtype=bool)
for i, j in potentials:
    contacts[i, j] = contacts[j, i] = True
above = np.triu_indices(n_sites, 1)
n_contacts = contacts[above].sum()

figure, axes = plt.subplots(1, 3, figsize=(12.5, 4.2), layout="constrained")
found = {"direct couplings": strengths, "mutual information": information}
for panel, (name, matrix) in zip(axes, found.items(), strict=False):
    top = np.sort(matrix[above])[-n_contacts]
    image = np.where(contacts, top, 0.0)
    image[above] = matrix[above]
    panel.imshow(image, cmap="Purples", vmin=0, vmax=top)
    panel.set(title=f"{name}, above contacts", xlabel="site", ylabel="site")
    panel.axline((0, 0), slope=1, color="grey", linewidth=0.5)
    order = np.argsort(-matrix[above])
    hits = contacts[above][order].cumsum() / np.arange(1, len(order) + 1)
    axes[2].plot(np.arange(1, 121), hits[:120], label=name)
    print(f"{name}: {hits[n_contacts - 1]:.0%} of the strongest {n_contacts} pairs")
axes[2].axvline(n_contacts, color="grey", linestyle=":", linewidth=1)
axes[2].text(n_contacts + 2, 0.98, f"{n_contacts} contacts", color="grey")
axes[2].set(
    xlabel="strongest pairs",
    ylabel="share that are contacts",
    ylim=(0.4, 1.02),
    title="What is found first",
)
axes[2].legend(frameon=False, loc="lower left")
figure.savefig("protein_contacts.png", dpi=120)

# %%
# Sequences of relatives are no independent draws, as rows are here. Of a real
# alignment pass :func:`~skebm.similarity_weights` to `fit` as `sample_weight`: one
# divided by the number of sequences that agree with each at four fifths of the sites.

weights = similarity_weights(alignment)
print(f"{len(alignment)} sequences count as {weights.sum():.0f}")
