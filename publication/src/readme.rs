//! `README.md`: for those who open the folder.

use std::fmt::Write as _;

use crate::appendix::{data_flags, named_datasets};
use crate::content::Content;
use crate::layout;

/// The text of the file.
pub fn readme(content: &Content<'_>) -> String {
    let manifest = content.manifest;
    let data = data_flags(named_datasets(content));
    let mut text = format!(
        "# {}\n\nOpen `{}` for the results. To check them, in this folder:\n\n    gcl-sweep verify .{data}\n\n\
         It checks every hash and the journal's chain, draws every figure again from its CSV, computes every number again from the records, and trains a random twentieth of \
         the jobs again (`--fraction 1`: all of them; `--seed N`: which). Without gcl-sweep, `sha256sum -c {}` checks the hashes.\n\n",
        manifest.title,
        layout::PAGE,
        layout::SUMS
    );
    text += "| | |\n|---|---|\n";
    for (path, what) in [
        (
            layout::PAGE,
            "the report; figures with the CSV of each in `report/figures/`",
        ),
        (
            "tables/",
            "`results.csv`, `epochs.csv`, `summary.csv` of each sweep",
        ),
        ("sweeps/", "the sweep files: every setting"),
        ("evidence/records/", "what each job produced"),
        (
            "evidence/artifacts/",
            "scores of each test segment, as safetensors",
        ),
        (
            layout::JOURNAL,
            "the runs' journal: what was submitted, tried and finished, in order, each entry with the hash of all before it",
        ),
        ("data/", "each data set in Croissant 1.1"),
        (
            "environment/",
            "exact versions of everything the program is made of",
        ),
        (
            layout::APPENDIX,
            "hardware, time and disk a table, one command a table, expected numbers",
        ),
        (
            layout::CHECKLIST,
            "answers to a reproducibility checklist, as far as they can be computed",
        ),
        (
            layout::CRATE,
            "all of this as a Workflow Run RO-Crate (Process Run Crate 0.6)",
        ),
    ] {
        let _ = writeln!(text, "| `{path}` | {what} |");
    }
    let journal = &manifest.journal;
    if journal.withheld > 0 {
        let _ = write!(
            text,
            "\n{} of the journal's {} entries are of other sweeps. Their hashes are there, their content is not, so that the chain through them cannot be followed.\n",
            journal.withheld, journal.entries
        );
    }
    if let Some(original) = journal.original_head {
        let _ = write!(
            text,
            "\nNames, hosts and paths were taken out of this box, and the journal was hashed anew. The head of the journal with names is {original}: whoever shows \
             that journal later proves by it that the results are the same.\n"
        );
    }
    text
}
