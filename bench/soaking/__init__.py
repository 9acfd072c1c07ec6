"""The parts of `bench/soak.py`: a cluster of processes in faults, phones, and who judges them."""
