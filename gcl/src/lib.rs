//! Generative Cooperative Learning: equations, networks, training, metrics
