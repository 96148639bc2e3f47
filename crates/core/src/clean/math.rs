//! Formulas as a reader would type them.

use ego_tree::NodeRef;
use scraper::Node;

/// The text of a `math` element: `E=σ/ε`, `x^2`, `√(a+b)`. Empty where a copy for eyes stands beside it.
pub fn text(math: NodeRef<'_, Node>) -> String {
    let beside = |names: &str| ["katex", "MathJax", "MJX", "mwe-math"].iter().any(|n| names.contains(n));
    let copied = math.ancestors().take(3).any(|a| {
        a.value().as_element().and_then(|e| e.attr("class")).is_some_and(|c| beside(c) && !c.contains("mwe-math"))
    });
    let mut out = String::new();
    if !copied {
        write(math, 0, &mut out);
    }
    out
}

/// Deepest nesting that is read.
const DEPTH: usize = 40;

fn write(node: NodeRef<'_, Node>, depth: usize, out: &mut String) {
    if depth > DEPTH {
        return;
    }
    match node.value() {
        Node::Text(t) => out.extend(t.split_whitespace()),
        Node::Element(e) => match e.name() {
            "annotation" | "annotation-xml" | "script" | "style" => {}
            "mfrac" => between(node, "/", depth, out),
            "msup" | "mover" => between(node, "^", depth, out),
            "msub" | "munder" => between(node, "_", depth, out),
            "msqrt" => {
                out.push_str("√(");
                all(node, depth, out);
                out.push(')');
            }
            "mtr" => {
                between(node, " ", depth, out);
                out.push(' ');
            }
            _ => all(node, depth, out),
        },
        _ => {}
    }
}

fn all(node: NodeRef<'_, Node>, depth: usize, out: &mut String) {
    for child in node.children() {
        write(child, depth + 1, out);
    }
}

/// Children with a sign between; those of several signs in brackets.
fn between(node: NodeRef<'_, Node>, sign: &str, depth: usize, out: &mut String) {
    for (n, child) in node.children().filter(|c| c.value().is_element()).enumerate() {
        if n > 0 {
            out.push_str(sign);
        }
        let mut part = String::new();
        write(child, depth + 1, &mut part);
        let bracket = part.chars().any(|c| !c.is_alphanumeric()) && part.chars().count() > 1 && sign != " ";
        if bracket {
            out.push('(');
        }
        out.push_str(&part);
        if bracket {
            out.push(')');
        }
    }
}
