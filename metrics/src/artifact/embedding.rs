//! The artifact `embedding` (Fig. 6): a t-SNE of what G makes of test segments.
//!
//! Tensors: `points` (f32, `[n, 2]`), and per point `segment` (u32, its number among the test segments), `video` (u32, its
//! number) and `anomalous` (u8, 1 where at least half of its frames are). The metadata entry `gcl-embedding`:
//! `{"format": 1, "of": "reconstructions", "method": "tsne", "perplexity": p, "iterations": i, "videos": [names]}`.

use super::ArtifactError;
use super::file::{Kind, Reader, Writer};

/// The name of the artifact.
pub const EMBEDDING: &str = "embedding";
const KIND: Kind = Kind {
    name: EMBEDDING,
    key: "gcl-embedding",
};

/// A map of test segments in two dimensions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Embedding {
    /// Names of the test videos.
    pub names: Vec<String>,
    /// The t-SNE's perplexity.
    pub perplexity: f64,
    /// Its iterations.
    pub iterations: u64,
    /// The points.
    pub points: Vec<[f32; 2]>,
    /// The test segment of each point.
    pub segments: Vec<u32>,
    /// The test video of each point.
    pub videos: Vec<u32>,
    /// Whether at least half of the segment's frames are anomalous.
    pub anomalous: Vec<bool>,
}

impl Embedding {
    /// The file.
    pub fn encode(&self) -> Result<Vec<u8>, ArtifactError> {
        let mut writer = Writer::new(KIND);
        writer.floats(
            "points",
            vec![self.points.len(), 2],
            self.points.as_flattened(),
        );
        writer.counts("segment", &self.segments);
        writer.counts("video", &self.videos);
        writer.flags("anomalous", &self.anomalous);
        writer.finish(&serde_json::json!({
            "format": 1, "of": "reconstructions", "method": "tsne", "perplexity": self.perplexity,
            "iterations": self.iterations, "videos": self.names,
        }))
    }

    /// Reads what [`encode`](Embedding::encode) wrote; other bytes are refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let reader = Reader::new(KIND, bytes)?;
        let embedding = Self {
            names: reader.entry("videos")?,
            perplexity: reader.entry("perplexity")?,
            iterations: reader.entry("iterations")?,
            points: reader.pairs("points")?,
            segments: reader.counts("segment")?,
            videos: reader.counts("video")?,
            anomalous: reader.flags("anomalous")?,
        };
        let count = embedding.points.len();
        let lengths = [
            embedding.segments.len(),
            embedding.videos.len(),
            embedding.anomalous.len(),
        ];
        if lengths.iter().any(|length| *length != count) {
            return Err(reader.fault("has another number of points than of segments"));
        }
        if embedding
            .videos
            .iter()
            .any(|video| *video as usize >= embedding.names.len())
        {
            return Err(reader.fault("has points of videos without a name"));
        }
        Ok(embedding)
    }
}
