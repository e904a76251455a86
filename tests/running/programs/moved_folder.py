import os

here = os.getcwd()
os.chdir("/")
os.rename(here, os.path.join(TEMPORARY, "moved"))
