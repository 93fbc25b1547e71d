//! The wire: sweep.v1, and its conversions to the nouns
