#!/usr/bin/env bash
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y python3-venv
python3 -m venv /autograder/venv
/autograder/venv/bin/pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu || /autograder/venv/bin/pip install torch torchvision
/autograder/venv/bin/pip install numpy matplotlib scikit-learn tqdm
