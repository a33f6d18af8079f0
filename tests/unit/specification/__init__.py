"""The executable specification: each rule refuses what it must, and whole runs are accepted."""
