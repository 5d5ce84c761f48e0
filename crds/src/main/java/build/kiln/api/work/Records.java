package build.kiln.api.work;

import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The words of the contract on the wire. Into a builder goes the order as JSON; out come the
 * termination message (an {@link Outcome}) and, on stdout, framed lines:
 *
 * <pre>kiln-record &lt;nonce&gt; progress {"step":3,"of":6,"instruction":"RUN make"}
 * kiln-record &lt;nonce&gt; report {"outcome":{...},...}</pre>
 *
 * <p>A record is believed only if its line starts with the frame and carries the order's nonce,
 * which RUN steps never see: whatever a step prints, it cannot forge one. Writing never breaks
 * JSON: what is too large is shortened by the rules of {@link Shortening}. Reading is tolerant:
 * unknown fields and reasons, foreign lines and a cut last line are no error, just not a record.
 */
public final class Records {
  /** Kubelet keeps at most 4096 bytes of a termination message; this leaves some air. */
  public static final int MAX_OUTCOME_BYTES = 4000;

  /** The longest report line, frame included, without its line end. */
  public static final int MAX_REPORT_BYTES = 24 * 1024;

  /** The longest progress line, frame included. */
  public static final int MAX_PROGRESS_BYTES = 1024;

  /** What a framed line starts with, a space after it. */
  public static final String FRAME = "kiln-record";

  private static final String PROGRESS = "progress";
  private static final String REPORT = "report";
  private static final Pattern NONCE = Pattern.compile("[A-Za-z0-9_-]{16,128}");
  private static final Pattern LINES = Pattern.compile("\n");

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private Records() {}

  /** The order as it lies in {@code order.json}. */
  public static String order(WorkOrder order) {
    return json(order);
  }

  /** As {@link #order(WorkOrder)}. */
  public static String order(MirrorOrder order) {
    return json(order);
  }

  /** As {@link #order(WorkOrder)}. */
  public static String order(PruneOrder order) {
    return json(order);
  }

  /** As {@link #order(WorkOrder)}. */
  public static String order(NodeOrder order) {
    return json(order);
  }

  /** Whether an order's JSON says that it is one of a node. */
  public static boolean isNodeOrder(JsonNode json) {
    return json.path("kind").asText().equals(NodeOrder.KIND);
  }

  /** As {@link #readOrder}, of a node. */
  public static NodeOrder readNodeOrder(String json) {
    return readOrder(json, NodeOrder.KIND, NodeOrder.class, order -> Optional.empty());
  }

  /** Whether an order's JSON says that it is one of an ImageMirror. */
  public static boolean isMirrorOrder(JsonNode json) {
    return json.path("kind").asText().equals(MirrorOrder.KIND);
  }

  /**
   * Reads an order.
   *
   * @throws IllegalArgumentException if it is no order of a version that this class knows
   */
  public static WorkOrder readOrder(String json) {
    return readOrder(json, WorkOrder.KIND, WorkOrder.class, order -> order.resource().unreadable());
  }

  /** As {@link #readOrder}, of an ImageMirror. */
  public static MirrorOrder readMirrorOrder(String json) {
    return readOrder(
        json, MirrorOrder.KIND, MirrorOrder.class, order -> order.resource().unreadable());
  }

  /** Whether an order's JSON says that it is one of an ImagePrunePolicy. */
  public static boolean isPruneOrder(JsonNode json) {
    return json.path("kind").asText().equals(PruneOrder.KIND);
  }

  /** As {@link #readOrder}, of an ImagePrunePolicy. */
  public static PruneOrder readPruneOrder(String json) {
    return readOrder(
        json, PruneOrder.KIND, PruneOrder.class, order -> order.resource().unreadable());
  }

  private static <T> T readOrder(
      String json, String wanted, Class<T> type, Function<T, Optional<String>> unreadable) {
    try {
      JsonNode tree = JSON.readTree(json);
      String version = tree.path("apiVersion").asText();
      String kind = tree.path("kind").asText();
      if (!version.equals(WorkOrder.API_VERSION) || !kind.equals(wanted)) {
        throw new IllegalArgumentException(
            "not a work order that this builder understands: it is \"%s\" of \"%s\", wanted \"%s\" of \"%s\"; use the builder image of the operator's release"
                .formatted(kind, version, wanted, WorkOrder.API_VERSION));
      }
      T order = JSON.treeToValue(tree, type);
      unreadable
          .apply(order)
          .ifPresent(
              why -> {
                throw new IllegalArgumentException("not a work order: resource." + why);
              });
      return order;
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "not a work order: " + e.getOriginalMessage() + " at " + at(e), e);
    }
  }

  private static String at(JsonProcessingException e) {
    return e.getLocation() == null
        ? "unknown place"
        : "line " + e.getLocation().getLineNr() + ", column " + e.getLocation().getColumnNr();
  }

  /** The termination message: JSON of at most {@link #MAX_OUTCOME_BYTES} bytes. */
  public static String outcome(Outcome outcome) {
    return firstThatFits(Shortening.of(outcome), MAX_OUTCOME_BYTES);
  }

  /** The termination message of a mirror's run. */
  public static String outcome(MirrorOutcome outcome) {
    return firstThatFits(Shortening.of(outcome), MAX_OUTCOME_BYTES);
  }

  /** The termination message of a prune policy's run. */
  public static String outcome(PruneOutcome outcome) {
    return firstThatFits(Shortening.of(outcome), MAX_OUTCOME_BYTES);
  }

  /** The termination message of a pod that pruned a node. */
  public static String outcome(NodeOutcome outcome) {
    return firstThatFits(Shortening.of(outcome), MAX_OUTCOME_BYTES);
  }

  /** The outcome in a termination message of a pod that pruned a node. */
  public static Optional<NodeOutcome> readNodeOutcome(String terminationMessage) {
    return read(terminationMessage, NodeOutcome.class, Records::isOutcome);
  }

  /** The outcome in a termination message of a prune policy's run. */
  public static Optional<PruneOutcome> readPruneOutcome(String terminationMessage) {
    return read(terminationMessage, PruneOutcome.class, Records::isOutcome);
  }

  /** The outcome in a termination message of a mirror's run. */
  public static Optional<MirrorOutcome> readMirrorOutcome(String terminationMessage) {
    return read(terminationMessage, MirrorOutcome.class, Records::isOutcome);
  }

  /** The outcome in a termination message; empty if it is none, or was cut. */
  public static Optional<Outcome> readOutcome(String terminationMessage) {
    return read(terminationMessage, Outcome.class, Records::isOutcome);
  }

  private static boolean isOutcome(JsonNode tree) {
    return tree.path("succeeded").isBoolean();
  }

  /** The line, without line end, that says what the builder does at present. */
  public static String progress(String nonce, Progress progress) {
    String frame = frame(nonce, PROGRESS);
    return frame + firstThatFits(Shortening.of(progress), MAX_PROGRESS_BYTES - frame.length());
  }

  /** The last line, without line end: the whole report. */
  public static String report(String nonce, Report report) {
    return framedReport(nonce, Shortening.of(report));
  }

  /** As {@link #report(String, Report)}, of a mirror's run. */
  public static String report(String nonce, MirrorReport report) {
    return framedReport(nonce, Shortening.of(report));
  }

  /** As {@link #report(String, Report)}, of a prune policy's run. */
  public static String report(String nonce, PruneReport report) {
    return framedReport(nonce, Shortening.of(report));
  }

  private static <T> String framedReport(String nonce, List<T> everShorter) {
    String frame = frame(nonce, REPORT);
    return frame + firstThatFits(everShorter, MAX_REPORT_BYTES - frame.length());
  }

  /** The report of a mirror's run in a piece of log. */
  public static Optional<MirrorReport> lastMirrorReport(String nonce, String log) {
    return lastReport(nonce, log, MirrorReport.class);
  }

  /** The report of a prune policy's run in a piece of log. */
  public static Optional<PruneReport> lastPruneReport(String nonce, String log) {
    return lastReport(nonce, log, PruneReport.class);
  }

  private static <T> Optional<T> lastReport(String nonce, String log, Class<T> type) {
    return last(frame(nonce, REPORT), log, type, tree -> tree.path("outcome").isObject());
  }

  /** The newest progress in a piece of log. */
  public static Optional<Progress> lastProgress(String nonce, String log) {
    return last(
        frame(nonce, PROGRESS), log, Progress.class, tree -> tree.path("step").canConvertToInt());
  }

  /** The report in a piece of log. */
  public static Optional<Report> lastReport(String nonce, String log) {
    return lastReport(nonce, log, Report.class);
  }

  /** Whether a line of a log is framed, by whatever nonce; people's views of a log leave it out. */
  public static boolean isFramed(String line) {
    return line.startsWith(FRAME + " ");
  }

  private static String frame(String nonce, String type) {
    if (!NONCE.matcher(nonce).matches()) {
      throw new IllegalArgumentException(
          "a nonce has 16 to 128 letters, digits, - or _; this one has " + nonce.length());
    }
    return FRAME + " " + nonce + " " + type + " ";
  }

  private static <T> Optional<T> last(
      String frame, String log, Class<T> type, Predicate<JsonNode> shape) {
    List<String> lines = LINES.splitAsStream(log).toList();
    for (String line : lines.reversed()) {
      if (line.startsWith(frame)) {
        Optional<T> found = read(line.substring(frame.length()), type, shape);
        if (found.isPresent()) {
          return found;
        }
      }
    }
    return Optional.empty();
  }

  private static <T> Optional<T> read(String text, Class<T> type, Predicate<JsonNode> shape) {
    try {
      JsonNode tree = JSON.readTree(text);
      return tree != null && tree.isObject() && shape.test(tree)
          ? Optional.of(JSON.treeToValue(tree, type))
          : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  private static <T> String firstThatFits(List<T> everShorter, int limit) {
    List<Integer> sizes = new ArrayList<>();
    for (T value : everShorter) {
      String text = json(value);
      int size = text.getBytes(StandardCharsets.UTF_8).length;
      if (size <= limit) {
        return text;
      }
      sizes.add(size);
    }
    throw new IllegalStateException(
        "no rule shortens this record below " + limit + " bytes: " + sizes);
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record that cannot be written as JSON", e);
    }
  }
}
