// Shows times in the zone of this browser; without JavaScript they are in UTC. `<time>` elements hold a whole date, those of the class
// "clock" the time of day under the heading of a day: an entry moves to the day that it belongs to here.
const parts = (options) => {
  const format = new Intl.DateTimeFormat("en-GB", options);
  return (at) => Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
};
const date = parts({ day: "numeric", month: "long", year: "numeric", weekday: "long" });
const time = parts({ hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" });
const clock = (at) => `${time(at).hour}:${time(at).minute} ${time(at).timeZoneName}`;
const day = (at) => `${date(at).day} ${date(at).month} ${date(at).year}`;

for (const element of document.querySelectorAll("[datetime], [data-time]")) {
  const at = new Date(element.getAttribute("datetime") ?? element.dataset.time);
  element.textContent = element.classList.contains("clock") ? clock(at) : `${day(at)}, ${clock(at)}`;
}

const entries = [...document.querySelectorAll(".events > li")];
const sections = entries.length > 0 ? [...document.querySelectorAll("section:has(> .events)")] : [];
let current = -1;
let name = "";
for (const entry of entries) {
  const at = new Date(entry.querySelector("time").dateTime);
  const own = `${date(at).weekday}, ${day(at)}`;
  if (own !== name) {
    name = own;
    current += 1;
    if (current === sections.length) {
      const more = sections[0].cloneNode(true);
      more.querySelector(".events").replaceChildren();
      more.querySelector("h2").id = `day-${current + 1}`;
      more.setAttribute("aria-labelledby", `day-${current + 1}`);
      sections[current - 1].after(more);
      sections.push(more);
    }
    sections[current].querySelector("h2").textContent = name;
  }
  sections[current].querySelector(".events").append(entry);
}
for (const empty of sections.slice(current + 1)) empty.remove();
