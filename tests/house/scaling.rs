//! The check of the numbers in `docs/scaling.md`: each row of a computed table has its formula beside it, in the names of the
//! rows above it and of the inputs. A changed input requires the results to be changed too.

use std::collections::HashMap;

use super::source::read;

/// What a number of the document may be off by: it is rounded to three digits.
const ROUNDED: f64 = 0.006;
const WHERE: &str = "docs/scaling.md";

type Named = HashMap<String, f64>;

/// The tables whose first column has this heading: their rows, the headings first, each as its cells.
fn tables(text: &str, first: &str) -> Vec<Vec<Vec<String>>> {
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().replace('`', "")).collect::<Vec<_>>();
    let lines: Vec<&str> = text.lines().collect();
    let blocks = lines.split(|line| !line.starts_with('|')).filter(|block| !block.is_empty());
    let all = blocks.map(|block| block.iter().filter(|line| !line.starts_with("|---")).map(|line| cells(line)).collect());
    all.filter(|table: &Vec<Vec<String>>| table[0][1] == first).collect()
}

fn number(cell: &str) -> f64 {
    cell.replace(',', "").parse().unwrap_or_else(|_| panic!("{WHERE}: expected a number, found '{cell}'"))
}

/// A formula: names, numbers, `+ - * /`, brackets, and `up` (to the next whole number), `exp`, `max`.
struct Formula<'a> {
    rest: &'a str,
    named: &'a Named,
}

impl<'a> Formula<'a> {
    fn value(text: &'a str, named: &'a Named) -> f64 {
        let mut formula = Self { rest: text, named };
        let value = formula.sum();
        assert!(formula.rest.trim().is_empty(), "{WHERE}: '{text}' cannot be read from '{}' on", formula.rest);
        value
    }

    fn takes(&mut self, sign: char) -> bool {
        let after = self.rest.trim_start().strip_prefix(sign);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn sum(&mut self) -> f64 {
        let mut value = self.product();
        loop {
            if self.takes('+') {
                value += self.product();
            } else if self.takes('-') {
                value -= self.product();
            } else {
                return value;
            }
        }
    }

    fn product(&mut self) -> f64 {
        let mut value = self.single();
        loop {
            if self.takes('*') {
                value *= self.single();
            } else if self.takes('/') {
                value /= self.single();
            } else {
                return value;
            }
        }
    }

    fn single(&mut self) -> f64 {
        if self.takes('(') {
            return self.bracketed();
        }
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_.".contains(c))).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        match word {
            "up" | "exp" | "max" => {
                assert!(self.takes('('), "{WHERE}: '{word}' lacks its bracket");
                let first = if word == "max" { self.sum() } else { self.bracketed() };
                match word {
                    "up" => first.ceil(),
                    "exp" => first.exp(),
                    _ => {
                        assert!(self.takes(','), "{WHERE}: 'max' takes two");
                        first.max(self.bracketed())
                    }
                }
            }
            _ => word
                .parse()
                .ok()
                .or_else(|| self.named.get(word).copied())
                .unwrap_or_else(|| panic!("{WHERE}: '{word}' is not named above")),
        }
    }

    /// What stands before a closing bracket, and the bracket.
    fn bracketed(&mut self) -> f64 {
        let value = self.sum();
        assert!(self.takes(')'), "{WHERE}: a bracket is not closed before '{}'", self.rest);
        value
    }
}

/// Compares a table of what is computed with its formulas. Every case, a column between unit and formula, has names of its own.
fn compare(table: &[Vec<String>], cases: &mut HashMap<String, Named>, inputs: &Named) -> Vec<String> {
    let mut wrong = Vec::new();
    let last = table[0].len() - 2; // the line ends with '|'
    for column in 3..last {
        let named = cases.entry(table[0][column].clone()).or_insert_with(|| inputs.clone());
        for row in &table[1..] {
            let told = number(&row[column]);
            let found = if row[last].is_empty() { told } else { Formula::value(&row[last], named) };
            if (found - told).abs() > ROUNDED * found.abs() {
                wrong.push(format!(
                    "{WHERE}: {}, {}: the formula gives {found:.4}, the table says {told}",
                    row[1], table[0][column]
                ));
            }
            named.insert(row[1].clone(), found);
        }
    }
    wrong
}

#[test]
fn the_tables_are_what_their_formulas_give() {
    let text = read(WHERE);
    let rows: Vec<_> = tables(&text, "Input").into_iter().flat_map(|table| table.into_iter().skip(1)).collect();
    let inputs: Named = rows.iter().map(|row| (row[1].clone(), number(&row[2]))).collect();
    assert!(inputs.len() == rows.len() && !inputs.is_empty(), "{WHERE}: inputs are missing, or one is named twice");
    for row in &rows {
        assert!(["measured", "assumed", "set"].contains(&row[4].as_str()), "{WHERE}: {}: measured, assumed or set?", row[1]);
    }
    let computed = tables(&text, "Computed");
    assert!(!computed.is_empty(), "{WHERE}: nothing is computed");
    let mut cases = HashMap::new();
    let wrong: Vec<_> = computed.iter().flat_map(|table| compare(table, &mut cases, &inputs)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn formulas_are_read_as_they_are_written() {
    let named = Named::from([("a".to_owned(), 6.0), ("b_2".to_owned(), 4.0)]);
    for (text, value) in
        [("a - b_2 - 1", 1.0), ("2 * (a + b_2) / 5", 4.0), ("up(a / b_2) + max(1, b_2)", 6.0), ("exp(a - 6)", 1.0)]
    {
        assert!((Formula::value(text, &named) - value).abs() < 1e-9, "{text}");
    }
}
