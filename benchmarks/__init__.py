"""What Penstock costs and bears: `python -m benchmarks`."""
