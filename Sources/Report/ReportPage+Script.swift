extension ReportPage {
    /// Read-outs: the point nearest to the pointer says what it is. Each drawing's points carry their
    /// note as a title, which browsers show by themselves when there is no script.
    static let script: Markup = """

        "use strict";
        (() => {
          const box = document.createElement("div");
          box.id = "read-out";
          box.hidden = true;
          document.body.append(box);
          let shown = null;
          const hide = () => {
            box.hidden = true;
            if (shown) shown.classList.remove("shown");
            shown = null;
          };
          const middle = (mark) => {
            const area = mark.getBoundingClientRect();
            return [area.left + area.width / 2, area.top + area.height / 2];
          };
          const show = (mark, note) => {
            if (shown !== mark) {
              hide();
              shown = mark;
              mark.classList.add("shown");
              box.textContent = note;
            }
            box.hidden = false;
            const [x, y] = middle(mark);
            const left = Math.min(Math.max(x - box.offsetWidth / 2, 8),
              document.documentElement.clientWidth - box.offsetWidth - 8);
            const above = y - box.offsetHeight - 12;
            box.style.left = left + "px";
            box.style.top = (above < 8 ? y + 14 : above) + "px";
          };
          let notes = 0;
          for (const plot of document.querySelectorAll("svg.plot")) {
            const marks = [];
            for (const title of plot.querySelectorAll("circle > title, rect > title")) {
              marks.push([title.parentNode, title.textContent]);
              title.remove();
            }
            notes += marks.length;
            plot.addEventListener("pointermove", (event) => {
              let nearest = null;
              let least = Infinity;
              for (const entry of marks) {
                const [x, y] = middle(entry[0]);
                // Along the axis first: a line is read from left to right.
                const distance = 4 * Math.abs(x - event.clientX) + Math.abs(y - event.clientY);
                if (distance < least) [nearest, least] = [entry, distance];
              }
              if (nearest) show(...nearest);
            });
            plot.addEventListener("pointerleave", hide);
          }
          addEventListener("scroll", hide, { passive: true });
          addEventListener("beforeprint", () => {
            for (const details of document.querySelectorAll("details")) details.open = true;
          });
          document.documentElement.dataset.readOuts = notes;
        })();

        """
}
