//! Records to statistics to figures, tables and HTML
