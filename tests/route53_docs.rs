//! `docs/route53.md` says what the API does, operation by operation and field by field: as many as the model has, no more.
//!
//! Compares the page's tables with the table of shapes; that one is compared with the clients' own model by
//! `tests/clients/model.py`. Not whether what the page says of a difference is so: the files that it names test that.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use waypost::route53::shapes::{Kind, Model, Operation, Segment};

/// The cells of each row of the page's tables, by what the first says.
fn rows() -> BTreeMap<String, Vec<String>> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/route53.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = rows.map(|row| row.split(" | ").map(str::to_owned).collect::<Vec<_>>());
    let mut by_name = BTreeMap::new();
    for cells in cells.filter(|cells| !["operation", "structure"].contains(&&*cells[0])) {
        let name = cells[0].split("<br>").next().unwrap().to_owned();
        assert!(by_name.insert(name.clone(), cells).is_none(), "{name} has two rows");
    }
    by_name
}

/// The names in a cell, as `Id` and `Name`.
fn names(cell: &str) -> Vec<&str> {
    cell.split(' ').filter_map(|word| word.strip_prefix('`')?.strip_suffix('`')).collect()
}

fn members(model: &Model, shape: Option<&str>) -> Vec<&'static str> {
    shape.map(|shape| model.members(shape).iter().map(|member| member.name).collect()).unwrap_or_default()
}

fn path(operation: &Operation) -> String {
    let segment = |segment: &Segment| match segment {
        Segment::Literal(literal) => format!("/{literal}"),
        Segment::Parameter(name) => format!("/{{{name}}}"),
    };
    operation.path.iter().map(segment).collect()
}

#[test]
fn every_operation_has_a_row_with_its_fields_and_the_file_that_tests_it() {
    let (model, rows) = (Model::new(), rows());
    for operation in model.operations() {
        let cells = rows.get(operation.name).unwrap_or_else(|| panic!("{} has no row", operation.name));
        let [first, takes, gives, _, tested] = &cells[..] else { panic!("{cells:?}") };
        assert!(first.trim_end_matches(['/', '`']).ends_with(&format!("`{} {}", operation.method, path(operation))), "{first}");
        assert_eq!(names(takes), members(&model, operation.input), "{}", operation.name);
        assert_eq!(names(gives), members(&model, operation.output), "{}", operation.name);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(tested);
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {tested}: {error}", operation.name));
        let literals = operation.path.iter().filter_map(|segment| match segment {
            Segment::Literal(literal) => Some(*literal),
            Segment::Parameter(_) => None,
        });
        for literal in literals {
            assert!(text.contains(literal), "{tested} does not ask for {}: it never says {literal:?}", operation.name);
        }
    }
}

#[test]
fn every_structure_has_a_row_with_its_fields_and_nothing_else_has_one() {
    let (model, mut rows) = (Model::new(), rows());
    let mut structures = BTreeSet::new();
    for operation in model.operations() {
        rows.remove(operation.name);
        for shape in operation.input.iter().chain(&operation.output) {
            collect(&model, shape, &mut structures);
            structures.remove(shape);
        }
    }
    structures.retain(|name| !model.members(name).is_empty());
    for name in structures {
        let cells = rows.remove(name).unwrap_or_else(|| panic!("{name} has no row"));
        assert_eq!(names(&cells[1]), members(&model, Some(name)), "{name}");
    }
    // What errors hold is in the model too, and so are shapes that no operation uses.
    rows.retain(|name, cells| names(&cells[1]) != members(&model, Some(name)));
    assert!(rows.is_empty(), "{:?}", rows.keys());
}

fn collect(model: &Model, name: &'static str, into: &mut BTreeSet<&'static str>) {
    match &model.shape(name).kind {
        Kind::Structure(members) => {
            into.insert(name);
            members.iter().for_each(|member| collect(model, member.shape, into));
        }
        Kind::List { of, .. } => collect(model, of, into),
        _ => {}
    }
}
