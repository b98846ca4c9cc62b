// What the measurements print.

/** The middle one of some numbers. */
export function median(numbers) {
    const sorted = [...numbers].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The number that this share of some numbers does not exceed. */
export function percentile(numbers, share) {
    const sorted = [...numbers].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** Prints a table, its first column to the left and the others to the right. */
export function table(head, rows) {
    const lines = [head, ...rows];
    const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
    for (const line of lines) {
        const cells = line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])));
        console.log(cells.join('  '));
    }
}

/**
 * Prints what was measured of both pages side by side, with their ratio. Missing numbers are
 * undefined.
 *
 * @param {string} title what is measured, in which unit
 * @param {[words: string, ours?: number, theirs?: number, digits?: number][]} rows
 */
export function beside(title, rows) {
    const write = (number, digits) => (number === undefined ? '-' : number.toFixed(digits));
    const cells = rows.map(([words, ours, theirs, digits = 0]) => {
        const known = ours !== undefined && theirs !== undefined && theirs > 0;
        return [words, write(ours, digits), write(theirs, digits), known ? (ours / theirs).toFixed(2) : '-'];
    });
    const head = process.env.EFFUSION_BENCH_BESIDE === undefined ? ['Effusion', 'SDK page', 'Effusion / SDK'] : ['now', 'before', 'now / before'];
    table([title, ...head], cells);
}
