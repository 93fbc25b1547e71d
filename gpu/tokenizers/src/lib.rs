//! Stands in for Hugging Face's `tokenizers`.
//!
//! candle-core reads the word tables of language models by it, in one function that nothing here calls, and there is no feature to leave it out. It and
//! the 25 crates under it (regular expressions, Unicode tables, a C++ library) are a tenth of what candle takes to compile, and would
//! be linked into a program that reads no text. So `[patch.crates-io]` puts these names in their place: just those that candle-core 0.11 names.
//! No tokenizer can be made: [`models::bpe::BpeBuilder::build`] is an error, and the types hold nothing that could exist.
//!
//! Where a newer candle does not compile against it: take the patch out of `Cargo.toml`, and this crate with it, or add the names.
#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    clippy::needless_pass_by_value,
    reason = "the names are another crate's"
)]

use std::convert::Infallible;
use std::fmt;

/// There are no tokenizers here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("this program is built without tokenizers of language models")
    }
}

impl std::error::Error for Unavailable {}

/// A type of which there is no value.
macro_rules! nothing {
    ($($name:ident),*) => { $(
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub(crate) std::convert::Infallible);
    )* };
}

/// A type whose values mean nothing, and what wraps it.
macro_rules! step {
    ($name:ident => $wrapper:ty) => {
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $name;

        impl $name {
            #[must_use]
            pub fn new(_: bool, _: bool, _: bool) -> Self {
                Self
            }
        }

        impl From<$name> for $wrapper {
            fn from(_: $name) -> Self {
                Self::Other
            }
        }
    };
}

pub mod decoders {
    #[derive(Debug, Clone, Copy)]
    pub enum DecoderWrapper {
        Other,
    }

    pub mod byte_level {
        step!(ByteLevel => super::DecoderWrapper);
    }
}

pub mod models {
    pub mod bpe {
        use std::collections::HashMap;

        use crate::Unavailable;

        pub type Vocab = HashMap<String, u32>;

        nothing!(BPE);

        impl BPE {
            #[must_use]
            pub fn builder() -> BpeBuilder {
                BpeBuilder
            }
        }

        #[derive(Debug, Clone, Copy)]
        pub struct BpeBuilder;

        impl BpeBuilder {
            #[must_use]
            pub fn vocab_and_merges(self, _: Vocab, _: Vec<(String, String)>) -> Self {
                self
            }

            #[must_use]
            pub fn unk_token(self, _: String) -> Self {
                self
            }

            #[must_use]
            pub fn byte_fallback(self, _: bool) -> Self {
                self
            }

            #[must_use]
            pub fn ignore_merges(self, _: bool) -> Self {
                self
            }

            pub fn build(self) -> Result<BPE, Unavailable> {
                Err(Unavailable)
            }
        }
    }
}

pub mod normalizers {
    #[derive(Debug, Clone, Copy)]
    pub enum NormalizerWrapper {
        Other,
    }

    pub mod unicode {
        #[derive(Debug, Clone, Copy)]
        pub struct NFC;

        impl From<NFC> for super::NormalizerWrapper {
            fn from(_: NFC) -> Self {
                Self::Other
            }
        }
    }
}

pub mod pre_tokenizers {
    #[derive(Debug, Clone, Copy)]
    pub enum PreTokenizerWrapper {
        Other,
    }

    pub mod byte_level {
        step!(ByteLevel => super::PreTokenizerWrapper);
    }

    pub mod sequence {
        use super::PreTokenizerWrapper;

        #[derive(Debug, Clone, Copy)]
        pub struct Sequence;

        impl Sequence {
            #[must_use]
            pub fn new(_: Vec<PreTokenizerWrapper>) -> Self {
                Self
            }
        }

        impl From<Sequence> for PreTokenizerWrapper {
            fn from(_: Sequence) -> Self {
                Self::Other
            }
        }
    }

    pub mod split {
        use super::PreTokenizerWrapper;
        use crate::{Unavailable, tokenizer::SplitDelimiterBehavior};

        #[derive(Debug, Clone)]
        pub enum SplitPattern {
            Regex(String),
        }

        nothing!(Split);

        impl Split {
            pub fn new(
                _: SplitPattern,
                _: SplitDelimiterBehavior,
                _: bool,
            ) -> Result<Self, Unavailable> {
                Err(Unavailable)
            }
        }

        impl From<Split> for PreTokenizerWrapper {
            fn from(split: Split) -> Self {
                match split.0 {}
            }
        }
    }
}

pub mod processors {
    #[derive(Debug, Clone)]
    pub enum PostProcessorWrapper {
        Other,
        Template(template::TemplateProcessing),
    }

    pub mod byte_level {
        step!(ByteLevel => super::PostProcessorWrapper);
    }

    pub mod sequence {
        use super::PostProcessorWrapper;

        #[derive(Debug, Clone, Copy)]
        pub struct Sequence;

        impl Sequence {
            #[must_use]
            pub fn new(_: Vec<PostProcessorWrapper>) -> Self {
                Self
            }
        }

        impl From<Sequence> for PostProcessorWrapper {
            fn from(_: Sequence) -> Self {
                Self::Other
            }
        }
    }

    pub mod template {
        use crate::Unavailable;

        nothing!(TemplateProcessing);

        impl TemplateProcessing {
            #[must_use]
            pub fn builder() -> TemplateProcessingBuilder {
                TemplateProcessingBuilder
            }
        }

        #[derive(Debug, Clone, Copy)]
        pub struct TemplateProcessingBuilder;

        impl TemplateProcessingBuilder {
            pub fn try_single(&mut self, _: Vec<String>) -> Result<&mut Self, Unavailable> {
                Err(Unavailable)
            }

            pub fn try_pair(&mut self, _: Vec<String>) -> Result<&mut Self, Unavailable> {
                Err(Unavailable)
            }

            pub fn special_tokens(&mut self, _: Vec<(String, u32)>) -> &mut Self {
                self
            }

            pub fn build(&self) -> Result<TemplateProcessing, Unavailable> {
                Err(Unavailable)
            }
        }
    }
}

pub mod tokenizer {
    #[derive(Debug, Clone, Copy)]
    pub enum SplitDelimiterBehavior {
        Isolated,
    }
}

#[derive(Debug, Clone)]
pub struct AddedToken;

impl AddedToken {
    #[must_use]
    pub fn from(_: String, _: bool) -> Self {
        Self
    }
}

/// There is none: what it is made of does not exist.
#[derive(Debug, Clone)]
pub struct Tokenizer(Infallible);

impl Tokenizer {
    #[must_use]
    pub fn new(model: models::bpe::BPE) -> Self {
        match model.0 {}
    }

    pub fn with_normalizer(
        &mut self,
        _: Option<normalizers::NormalizerWrapper>,
    ) -> Result<&mut Self, Unavailable> {
        match self.0 {}
    }

    pub fn with_pre_tokenizer(
        &mut self,
        _: Option<pre_tokenizers::PreTokenizerWrapper>,
    ) -> &mut Self {
        match self.0 {}
    }

    pub fn with_decoder(&mut self, _: Option<decoders::DecoderWrapper>) -> &mut Self {
        match self.0 {}
    }

    pub fn with_post_processor(
        &mut self,
        _: Option<processors::PostProcessorWrapper>,
    ) -> &mut Self {
        match self.0 {}
    }

    pub fn add_special_tokens(&mut self, _: Vec<AddedToken>) -> Result<usize, Unavailable> {
        match self.0 {}
    }
}
