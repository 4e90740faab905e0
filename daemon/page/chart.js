/*
 * The rate of the last ten minutes as a line, with a word on the point under the pointer.
 */
import { count, drawn, setText } from "./tools.js";

const HEIGHT = 176;
const LEFT = 44; /* room for the numbers of the axis */
const TOP = 8;
const BOTTOM = 20;
const SPAN_POINTS = 120; /* ten minutes */

/* The least round number that is not below a value, and whose half is round too. */
function roundUp(value) {
    const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
    return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value);
}

function ago(seconds) {
    const minutes = Math.floor(seconds / 60);
    const rest = seconds % 60;
    return minutes === 0 ? `${rest} s ago` : `${minutes}:${String(rest).padStart(2, "0")} min ago`;
}

export class Chart {
    constructor(place, hover) {
        this.hover = hover;
        this.points = [];
        this.pointMs = 5000;
        this.svg = drawn("svg", { role: "img", height: HEIGHT });
        this.axis = drawn("g", { class: "axis" });
        this.area = drawn("path", { class: "area" });
        this.line = drawn("path", { class: "line" });
        this.mark = drawn("g", { class: "mark", visibility: "hidden" });
        this.rule = drawn("line", { y1: TOP, y2: HEIGHT - BOTTOM });
        this.dot = drawn("circle", { r: 3.5 });
        this.mark.append(this.rule, this.dot);
        this.svg.append(this.axis, this.area, this.line, this.mark);
        place.append(this.svg);
        this.svg.addEventListener("pointermove", (event) => this.point(event));
        this.svg.addEventListener("pointerdown", (event) => this.point(event));
        this.svg.addEventListener("pointerleave", () => this.leave());
        /* Texts stay as large as they are, however wide the card is: one unit is one pixel. */
        new ResizeObserver(() => this.draw()).observe(place);
    }

    show(points, pointMs) {
        this.points = points.slice(-SPAN_POINTS);
        this.pointMs = pointMs;
        this.draw();
    }

    x(i) {
        const fromNow = this.points.length - 1 - i;
        return this.width - 6 - (fromNow / (SPAN_POINTS - 1)) * (this.width - 6 - LEFT);
    }

    y(rate) {
        return TOP + (1 - rate / this.top) * (HEIGHT - TOP - BOTTOM);
    }

    draw() {
        const rates = this.points.map((point) => Number(point.images_per_second) || 0);
        this.width = Math.max(200, Math.floor(this.svg.parentElement.clientWidth));
        this.top = roundUp(Math.max(10, ...rates));
        this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
        this.svg.setAttribute("aria-label", this.summary(rates));
        this.drawAxis();
        const line = rates.map((rate, i) => `${this.x(i).toFixed(1)} ${this.y(rate).toFixed(1)}`);
        /* A single point is a line without length, of which the round ends are seen. */
        const path = line.length > 0 ? `M${line.join("L")}h0` : "";
        const floor = this.y(0);
        this.line.setAttribute("d", path);
        this.area.setAttribute("d", path && `${path}V${floor}H${this.x(0).toFixed(1)}Z`);
    }

    drawAxis() {
        const marks = [0, 0.5, 1].flatMap((share) => {
            const y = this.y(share * this.top);
            return [
                drawn("line", { x1: LEFT, x2: this.width, y1: y, y2: y }),
                drawn(
                    "text",
                    { x: LEFT - 8, y: y + 4, "text-anchor": "end" },
                    count(share * this.top),
                ),
            ];
        });
        const times = [
            ["10 min ago", LEFT, "start"],
            ["5", (LEFT + this.width - 6) / 2, "middle"],
            ["now", this.width, "end"],
        ];
        const words = times.map(([text, x, anchor]) =>
            drawn("text", { x, y: HEIGHT - 4, "text-anchor": anchor }, text),
        );
        this.axis.replaceChildren(...marks, ...words);
    }

    summary(rates) {
        if (rates.length === 0) return "Images a second over the last ten minutes: nothing yet";
        return (
            `Images a second over the last ten minutes: now ${count(rates.at(-1))}, ` +
            `between ${count(Math.min(...rates))} and ${count(Math.max(...rates))}`
        );
    }

    /* The nearest point; a drawing may be shown at another width than it was drawn for. */
    point(event) {
        if (this.points.length === 0) return;
        const bounds = this.svg.getBoundingClientRect();
        const x = ((event.clientX - bounds.left) / bounds.width) * this.width;
        const step = (this.width - 6 - LEFT) / (SPAN_POINTS - 1);
        const fromNow = Math.round((this.width - 6 - x) / step);
        const i = Math.min(this.points.length - 1, Math.max(0, this.points.length - 1 - fromNow));
        const point = this.points[i];
        const rate = Number(point.images_per_second) || 0;
        this.rule.setAttribute("x1", this.x(i));
        this.rule.setAttribute("x2", this.x(i));
        this.dot.setAttribute("cx", this.x(i));
        this.dot.setAttribute("cy", this.y(rate));
        this.mark.setAttribute("visibility", "visible");
        const seconds = Math.round(((this.points.length - 1 - i) * this.pointMs) / 1000);
        setText(this.hover, `${ago(seconds)}: ${count(rate)}, ${point.limit}`);
    }

    leave() {
        this.mark.setAttribute("visibility", "hidden");
        setText(this.hover, "");
    }
}
