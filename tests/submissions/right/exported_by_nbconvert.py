#!/usr/bin/env python
# coding: utf-8

# # Exercise sheet 8: Autoencoders
#
# **How to work.** Run the cells from top to bottom.

# In[1]:


get_ipython().run_line_magic('matplotlib', 'inline')
get_ipython().run_line_magic('load_ext', 'autoreload')
get_ipython().run_line_magic('autoreload', '2')
get_ipython().system('pip install -q torchinfo')


# In[2]:


try:
    from dataclasses import dataclass, field

    import matplotlib.pyplot as plt
    import torch
    from torch.utils.data import DataLoader, Subset

    from data import Digits, load_mnist
    from tests.grading.notebook import check, draw_network, progress, show_figure, show_table
    import solution  # what you save in solution.py counts from the next cell on
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error}. Open this sheet's own folder, and choose the Python (the kernel) that you set up for it."
    ) from None

torch.set_num_threads(1)  # more threads gain nothing on a model this small
plt.rcParams["axes.prop_cycle"] = plt.cycler(color=["#0072B2", "#E69F00"])


# In[3]:


train_set, test_set = load_mnist()
files = get_ipython().getoutput('ls data')
display(files)


# ## Exercise 1: the objective (15 points)

# In[4]:


def get_objective_term(x, V, W, b, a):
    x_hat = torch.relu(x @ V + b) @ W + a
    return ((x - x_hat) ** 2).sum(1).mean()


# In[5]:


check(get_objective_term)


# ## Exercise 2: reconstruct (10 points)

# In[6]:


get_ipython().run_cell_magic('time', '', 'def reconstruct(x, V, W, b, a):\n    z = torch.relu(x @ V + b)\n    return (z @ W + a).reshape(-1, 28, 28)\n')


# In[7]:


get_ipython().run_cell_magic('bash', '', 'ls -l data\n')
get_ipython().run_cell_magic('capture', 'out', 'history = []\nfor x, _ in DataLoader(train_set, 128):\n    history.append(float(x.mean()))\n')


# ## Exercise 3: anomaly scores (10 points)

# In[8]:


def anomaly_score(x, reconstruction):
    difference = x - reconstruction
    display(difference.shape)
    return (difference ** 2).sum(1)


# In[9]:


check(get_objective_term, reconstruct, anomaly_score)
assert len(history) > 400
