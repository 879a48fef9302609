"""Many trainings, evaluations and animations, on the processors of one machine or on a cluster."""
