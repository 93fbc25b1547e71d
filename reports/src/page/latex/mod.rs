//! What a paper takes from a report: a macro for every number, the table, the methods in words, references. Made of the results, so that a
//! paper that inputs them stays true when a seed more has run.

mod methods;
mod names;
mod numbers;
mod references;
mod table;

use super::Section;
pub(super) use table::details;

/// The files by name, in the order of their use.
pub(crate) fn files(sections: &[Section<'_>]) -> Vec<(String, String)> {
    let mut files = vec![("numbers.tex".to_owned(), numbers::numbers(sections))];
    for (index, section) in sections.iter().enumerate() {
        files.push((format!("{}.tex", table_name(index)), table::table(section)));
    }
    files.push(("methods.tex".to_owned(), methods::methods(sections)));
    files.push((
        "references.bib".to_owned(),
        references::references(sections),
    ));
    files.push(("example.tex".to_owned(), example(sections)));
    files
}

/// What the file of that sweep's table is called: `table`, `table-2`.
fn table_name(index: usize) -> String {
    match index {
        0 => "table".to_owned(),
        index => format!("table-{}", index + 1),
    }
}

/// A document that uses all of them, to see that they compile.
fn example(sections: &[Section<'_>]) -> String {
    let mut text = "% latexmk -pdf example.tex\n\\documentclass{article}\n\\usepackage[utf8]{inputenc}\n\\usepackage[T1]{fontenc}\n\\input{numbers}\n\\begin{document}\n".to_owned();
    for index in 0..sections.len() {
        let name = table_name(index);
        text +=
            &format!("\\begin{{table}}[h]\\centering\\small\n\\input{{{name}}}\n\\end{{table}}\n");
    }
    text += "\\input{methods}\n\n";
    let names = numbers::names(sections);
    for (name, label) in names {
        text += &format!("\\noindent {}: \\{name}{{}}\\par\n", table::plain(&label));
    }
    text + "\\nocite{*}\n\\bibliographystyle{plain}\n\\bibliography{references}\n\\end{document}\n"
}
