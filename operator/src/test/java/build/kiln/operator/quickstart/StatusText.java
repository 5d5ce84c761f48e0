package build.kiln.operator.quickstart;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.IsolationReport;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.api.v1alpha1.ImageBuildStatus.Step;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Event;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An ImageBuild in the words of kubectl, which the in-memory API server gives no columns. */
final class StatusText {
  private StatusText() {}

  /** What {@code kubectl get} prints: a heading and a line. */
  static String columns(ImageBuild build, Instant now) {
    var status = requireNonNullElse(build.getStatus(), ImageBuildStatus.NONE);
    var ready = status.condition("Ready");
    var cells =
        List.of(
            build.getMetadata().getName(),
            ready.map(Condition::getStatus).orElse(""),
            ready.map(Condition::getReason).orElse(""),
            text(status.step()),
            text(status.image()),
            age(build, now));
    var names = List.of("NAME", "READY", "REASON", "STEP", "IMAGE", "AGE");
    var heading = new StringBuilder();
    var line = new StringBuilder();
    for (int i = 0; i < names.size(); i++) {
      int width = Math.max(names.get(i).length(), cells.get(i).length()) + 3;
      heading.append(padded(names.get(i), width));
      line.append(padded(cells.get(i), width));
    }
    return heading.toString().stripTrailing() + "\n" + line.toString().stripTrailing() + "\n";
  }

  /** What is worth reading of {@code kubectl describe}: conditions and the newest run. */
  static String description(ImageBuild build) {
    var status = requireNonNullElse(build.getStatus(), ImageBuildStatus.NONE);
    var out = new StringBuilder("Conditions:\n");
    for (var condition : requireNonNullElse(status.conditions(), List.<Condition>of())) {
      out.append(
          "  %-12s %-8s %-16s %s%n"
              .formatted(
                  condition.getType(),
                  condition.getStatus(),
                  text(condition.getReason()),
                  text(condition.getMessage())));
    }
    status.newestRun().ifPresent(run -> describe(run, out));
    return out.toString();
  }

  /** Events, the oldest first. */
  static String events(List<Event> events) {
    var out = new StringBuilder("Events:\n");
    events.stream()
        .sorted(Comparator.comparing(event -> text(event.getLastTimestamp())))
        .forEach(
            event ->
                out.append(
                    "  %-8s %-16s %s%n"
                        .formatted(
                            text(event.getType()),
                            text(event.getReason()),
                            text(event.getMessage()))));
    return out.toString();
  }

  private static void describe(Run run, StringBuilder out) {
    var isolation =
        run.platform()
            .flatMap(platform -> Optional.ofNullable(platform.isolation()))
            .filter(report -> report.achieved() != null)
            .map(StatusText::isolation)
            .orElse("not known");
    out.append(
        "Run %d: %s, started by %s, RUN isolated by %s%n"
            .formatted(
                run.number(),
                run.phase(),
                run.cause() == null ? "?" : run.cause().type(),
                isolation));
    if (run.failure() != null) {
      out.append("  %s: %s%n".formatted(run.failure().reason(), text(run.failure().message())));
    }
    var steps = requireNonNullElse(run.steps(), List.<Step>of());
    if (!steps.isEmpty()) {
      out.append("  %-6s %8s %10s  %s%n".formatted("CACHE", "TIME", "BYTES", "STEP"));
    }
    for (var step : steps) {
      out.append(
          "  %-6s %8s %10s  %s%n"
              .formatted(
                  step.cache() == null ? "" : step.cache(),
                  text(step.duration()),
                  step.size() == null ? "" : String.format(Locale.ROOT, "%,d", step.size()),
                  step.instruction().lines().findFirst().orElse("")));
    }
  }

  private static String isolation(IsolationReport report) {
    return "%s (asked: %s)%s"
        .formatted(
            report.achieved(),
            report.requested(),
            report.detail() == null ? "" : ", " + report.detail());
  }

  private static String age(ImageBuild build, Instant now) {
    var created = build.getMetadata().getCreationTimestamp();
    if (created == null) {
      return "";
    }
    long seconds = Math.max(0, Duration.between(Instant.parse(created), now).toSeconds());
    return seconds < 120 ? seconds + "s" : seconds / 60 + "m";
  }

  private static String padded(String text, int width) {
    return text + " ".repeat(width - text.length());
  }

  private static String text(@Nullable String text) {
    return text == null ? "" : text;
  }
}
