//! The figures as tables and plots, and the page that they are written into.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::remembered::Remembered;
use crate::steps::Row;

/// Everything that was measured.
pub(crate) struct Measured {
    /// What it was measured on.
    pub(crate) machine: String,
    /// Requests under way at once, per account.
    pub(crate) concurrency: usize,
    /// The wall time of `--version`.
    pub(crate) started: Duration,
    /// Commands.
    pub(crate) rows: Vec<Row>,
    /// States.
    pub(crate) remembered: Vec<Remembered>,
}

/// Where the figures stand in the page.
const MARKS: [&str; 2] = ["<!-- figures: written by the bench -->", "<!-- end of the figures -->"];

/// The machine, its load, the day and the build.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = read("/proc/meminfo");
    let memory: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().trim_end_matches("kB").trim().parse().ok())
        .unwrap_or_default();
    let load = read("/proc/loadavg");
    let kernel = read("/proc/sys/kernel/osrelease");
    let build = if cfg!(debug_assertions) { "a debug build" } else { "a release build" };
    format!(
        "{}, {cores} cores, {} GiB of memory, Linux {}; load average of the last minute when it began: {}; {build} of personaform {}",
        model.trim_start_matches([' ', '\t', ':']),
        memory >> 20,
        kernel.trim(),
        load.split_whitespace().next().unwrap_or("unknown"),
        env!("CARGO_PKG_VERSION"),
    )
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

fn megabytes(bytes: usize) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

/// What a run may hold: 64 MB, and three times the bytes of cast and answers.
fn allowed(row: &Row) -> f64 {
    64.0 + 3.0 * (row.cast + row.answered) as f64 / 1e6
}

/// Everything as Markdown.
pub(crate) fn tables(measured: &Measured) -> String {
    let mut text = format!(
        "Measured on {}. Up to {} requests under way per account on both sides, and no limit of requests per second.\n\n",
        measured.machine, measured.concurrency
    );
    text.push_str(
        "| targets | latency ms | command | wall s | floor s | ratio | CPU s | floor CPU s | peak MB | of allowed MB | requests | MB sent | MB received |\n\
         |---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in &measured.rows {
        let floor = row.floor.map(|floor| (seconds(floor.wall), format!("{:.2}", floor.cpu.as_secs_f64())));
        let (floor, floor_cpu) = floor.unwrap_or_default();
        let ratio = row.ratio().map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {floor} | {ratio} | {:.2} | {floor_cpu} | {:.1} | {:.0} | {} | {} | {} |",
            row.size,
            row.latency,
            row.step,
            seconds(row.taken.wall),
            row.taken.cpu.as_secs_f64(),
            row.taken.peak as f64 * 1024.0 / 1e6,
            allowed(row),
            row.requests,
            megabytes(row.sent),
            megabytes(row.answered),
        );
    }
    text.push_str("\n| records in state | MB of file | load, CPU s | one change, CPU ms | one change, kB written |\n|---:|---:|---:|---:|---:|\n");
    for state in &measured.remembered {
        let _ = writeln!(
            text,
            "| {} | {:.1} | {:.3} | {:.2} | {:.1} |",
            state.records,
            state.bytes as f64 / 1e6,
            state.load.as_secs_f64(),
            state.change.as_secs_f64() * 1e3,
            state.written as f64 / 1e3,
        );
    }
    let _ = writeln!(text, "\n`personaform --version`: {:.1} ms (median of 51).", measured.started.as_secs_f64() * 1e3);
    text.push_str(&targets(measured));
    text
}

/// The targets, each with what was measured against it.
fn targets(measured: &Measured) -> String {
    let mut text = String::from("\n| target | measured | met |\n|---|---|---|\n");
    let mut line = |target: &str, found: String, met: bool| {
        let _ = writeln!(text, "| {target} | {found} | {} |", if met { "yes" } else { "**no**" });
    };
    let no_change = |latency| measured.rows.iter().filter(move |row| row.step == "plan, no change" && row.latency == latency);
    for (latency, most) in [(50, 1.2), (0, 2.0)] {
        for row in no_change(latency).filter(|row| [1_000, 10_000].contains(&row.size)) {
            let ratio = row.ratio().unwrap_or(f64::INFINITY);
            let target = format!("plan without a change, {} targets, {latency} ms: at most {most} times the floor", row.size);
            line(&target, format!("{ratio:.2} times"), ratio <= most);
        }
    }
    if let Some(row) = measured.rows.iter().find(|row| row.step == "validate" && row.size == 10_000) {
        let cpu = row.taken.cpu.as_secs_f64();
        line("`validate` of 10,000 files: under 1 s of CPU", format!("{cpu:.2} s"), cpu < 1.0);
    }
    let started = measured.started.as_secs_f64() * 1e3;
    line("`--version`: under 10 ms", format!("{started:.1} ms"), started < 10.0);
    let peak = |row: &&Row| row.taken.peak as f64 * 1024.0 / 1e6 / allowed(row);
    if let Some(worst) = measured.rows.iter().max_by(|left, right| peak(left).total_cmp(&peak(right))) {
        let found = format!("at most {:.0}% of that ({}, {} targets)", peak(&worst) * 100.0, worst.step, worst.size);
        line("peak memory: under 64 MB and 3 times the bytes of cast and answers", found, peak(&worst) <= 1.0);
    }
    for (step, latency) in [("validate", 0), ("plan, no change", 0)] {
        let of = |size| measured.rows.iter().find(|row| (row.step, row.latency, row.size) == (step, latency, size));
        if let (Some(small), Some(large)) = (of(10_000), of(100_000)) {
            let growth = large.taken.cpu.as_secs_f64() / small.taken.cpu.as_secs_f64();
            let target = format!("`{step}`: CPU time linear up to 100,000 targets");
            line(&target, format!("10 times the targets take {growth:.1} times the time"), growth <= 12.0);
        }
    }
    if let Some(state) = measured.remembered.iter().find(|state| state.records == 100_000) {
        let load = state.load.as_secs_f64();
        line("a state with 100,000 records loads in under 0.5 s of CPU", format!("{load:.2} s"), load < 0.5);
        if let Some(small) = measured.remembered.iter().find(|state| state.records == 10) {
            let found = format!("{:.1} kB written, against {:.1} kB", state.written as f64 / 1e3, small.written as f64 / 1e3);
            line("one change in it costs the same as in a state of ten", found, state.written <= small.written * 2);
        }
    }
    text
}

/// Writes the tables into a page, and the plots beside it.
pub(crate) fn write(measured: &Measured, page: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let text = fs::read_to_string(page)?;
    let (before, rest) = text.split_once(MARKS[0]).ok_or("the page has no place for the figures")?;
    let (_, after) = rest.split_once(MARKS[1]).ok_or("the place for the figures has no end")?;
    fs::write(page, format!("{before}{}\n\n{}\n{}{after}", MARKS[0], tables(measured), MARKS[1]))?;
    fs::write(page.with_file_name("images").join("performance.svg"), plot(measured))?;
    Ok(())
}

/// A panel of the plot: what it shows, its unit, and the value of a row.
struct Panel {
    title: &'static str,
    unit: &'static str,
    value: fn(&Row) -> f64,
}

const PANELS: [Panel; 3] = [
    Panel { title: "wall time", unit: "s", value: |row| row.taken.wall.as_secs_f64() },
    Panel { title: "CPU time", unit: "s", value: |row| row.taken.cpu.as_secs_f64().max(0.001) },
    Panel { title: "peak memory", unit: "MB", value: |row| row.taken.peak as f64 * 1024.0 / 1e6 },
];

const STEPS: [(&str, &str); 6] = [
    ("validate", "#4269d0"),
    ("first apply", "#efb118"),
    ("plan, no change", "#ff725c"),
    ("plan, 1% changed", "#6cc5b0"),
    ("apply of that", "#a463f2"),
    ("import --all", "#9c6b4e"),
];

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 300.0;

/// Time and memory over size, both axes logarithmic: what is linear is a straight line with the slope of the grid's diagonal.
fn plot(measured: &Measured) -> String {
    let latencies: std::collections::BTreeSet<u64> = measured.rows.iter().map(|row| row.latency).collect();
    let (width, height) = (PANELS.len() as f64 * WIDTH + 20.0, latencies.len() as f64 * HEIGHT + 60.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <title>Time and memory over the number of targets</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (across, (step, colour)) in STEPS.iter().enumerate() {
        let x = 60.0 + across as f64 * 150.0;
        let _ = writeln!(svg, "<rect x=\"{x}\" y=\"16\" width=\"10\" height=\"10\" fill=\"{colour}\"/>");
        let _ = writeln!(svg, "<text x=\"{}\" y=\"25\">{}</text>", x + 15.0, step.replace('&', "&amp;"));
    }
    let x = 60.0 + STEPS.len() as f64 * 150.0;
    let _ = writeln!(svg, "<text x=\"{x}\" y=\"25\">dashed: floor</text>");
    for (down, latency) in latencies.iter().enumerate() {
        for (across, panel) in PANELS.iter().enumerate() {
            let corner = (across as f64 * WIDTH + 50.0, down as f64 * HEIGHT + 70.0);
            draw(&mut svg, measured, *latency, panel, corner);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, measured: &Measured, latency: u64, panel: &Panel, (left, top): (f64, f64)) {
    let rows: Vec<&Row> = measured.rows.iter().filter(|row| row.latency == latency).collect();
    let values = rows.iter().map(|row| (panel.value)(row));
    let floors = rows.iter().filter_map(|row| row.floor).map(|floor| floor.wall.as_secs_f64());
    let all: Vec<f64> = if panel.title == "wall time" { values.chain(floors).collect() } else { values.collect() };
    let sizes: Vec<f64> = rows.iter().map(|row| row.size as f64).collect();
    let decades = |values: &[f64]| {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min).log10().floor();
        let most = values.iter().copied().fold(0.0, f64::max).log10().ceil();
        (least, most.max(least + 1.0))
    };
    let ((least_x, most_x), (least_y, most_y)) = (decades(&sizes), decades(&all));
    let (inner_width, inner_height) = (WIDTH - 70.0, HEIGHT - 70.0);
    let at = |size: f64, value: f64| {
        let x = left + (size.log10() - least_x) / (most_x - least_x) * inner_width;
        let y = top + inner_height - (value.log10() - least_y) / (most_y - least_y) * inner_height;
        format!("{x:.1},{y:.1}")
    };
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{}\" font-weight=\"bold\">{} in {}, {latency} ms of latency</text>",
        top - 8.0,
        panel.title,
        panel.unit
    );
    for decade in least_y as i32..=most_y as i32 {
        let y = top + inner_height - (f64::from(decade) - least_y) / (most_y - least_y) * inner_height;
        let _ = writeln!(svg, "<path d=\"M{left:.1},{y:.1}h{inner_width:.1}\" stroke=\"#dddddd\"/>");
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 5.0,
            y + 4.0,
            10f64.powi(decade)
        );
    }
    for decade in least_x as i32..=most_x as i32 {
        let x = left + (f64::from(decade) - least_x) / (most_x - least_x) * inner_width;
        let _ = writeln!(svg, "<path d=\"M{x:.1},{top:.1}v{inner_height:.1}\" stroke=\"#dddddd\"/>");
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            top + inner_height + 15.0,
            10f64.powi(decade)
        );
    }
    for (step, colour) in STEPS {
        let of_step: Vec<&&Row> = rows.iter().filter(|row| row.step == step).collect();
        let line = |points: Vec<String>| points.join(" L");
        let points: Vec<String> = of_step.iter().map(|row| at(row.size as f64, (panel.value)(row))).collect();
        for point in &points {
            let (x, y) = point.split_once(',').unwrap_or_default();
            let _ = writeln!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"2.5\" fill=\"{colour}\"/>");
        }
        let _ = writeln!(svg, "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>", line(points));
        let floors: Vec<String> = of_step
            .iter()
            .filter(|_| panel.title == "wall time")
            .filter_map(|row| Some(at(row.size as f64, row.floor?.wall.as_secs_f64())))
            .collect();
        if !floors.is_empty() {
            let _ = writeln!(svg, "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-dasharray=\"3 3\"/>", line(floors));
        }
    }
}
