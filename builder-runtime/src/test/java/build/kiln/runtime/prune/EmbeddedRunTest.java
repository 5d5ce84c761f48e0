package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.registry.embedded.Fault;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs against the registry of this process: it lists referrers and deletes tags. */
class EmbeddedRunTest extends RunContract {
  @SuppressWarnings("NullAway.Init") // before each test
  private EmbeddedRegistry registry;

  @Override
  String start() throws IOException {
    registry = EmbeddedRegistry.start();
    return registry.host();
  }

  @AfterEach
  void stop() {
    registry.close();
  }

  @Override
  boolean deletesTags() {
    return true;
  }

  @Override
  void costsNothing(int tags) {
    registry.requests().clear();
    try {
      planNow(1);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    assertThat(registry.requests().count("GET", "/manifests/v")).isEqualTo(tags);
    // And the list, which is asked for what comes after its end.
    assertThat(registry.requests().count("GET", "/tags/list")).isEqualTo(2);
    assertThat(registry.requests().all()).hasSize(tags + 2);
    assertThat(registry.requests().matching("GET", "/manifests/"))
        .allSatisfy(r -> assertThat(r.header("If-None-Match")).isPresent());
  }

  /** A tag that a list leaves out may be one on what its other tags let go. */
  @Test
  void aListThatIsCutWithoutAWordIsNotBelieved() throws IOException {
    Descriptor image = desk.image("app:pr-1", "a");
    desk.image("app:stable", "a");
    desk.image("app:pr-2", "b");
    registry.faults().always("GET", "/tags/list", new Fault.Instead(this::twoAtMost));
    planNow(1);
    old();
    desk.image("app:pr-3", "c");

    desk.executor().execute(planNow(1), "");

    assertThat(desk.has("app", image)).isTrue();
    assertThat(registry.contents().tags("app")).containsExactly("pr-3", "stable");
  }

  private void twoAtMost(HttpExchange http) throws IOException {
    Matcher last = Pattern.compile("last=([^&]*)").matcher(http.getRequestURI().getQuery());
    String after = last.find() ? last.group(1) : "";
    List<String> tags =
        registry.contents().tags("app").stream()
            .filter(tag -> tag.compareTo(after) > 0)
            .limit(2)
            .toList();
    byte[] answer = Json.write(Map.of("name", "app", "tags", tags));
    http.getResponseHeaders().set("Content-Type", "application/json");
    http.sendResponseHeaders(200, answer.length);
    http.getResponseBody().write(answer);
  }

  /** Three images of which one is to stay, seen long ago. */
  private Descriptor threeOld() throws IOException {
    Descriptor first = desk.image("app:pr-1", "a");
    desk.image("app:pr-2", "b");
    planNow(1);
    old();
    desk.image("app:pr-3", "c");
    return first;
  }

  @ParameterizedTest
  @CsvSource({
    "405,UNSUPPORTED,DeleteUnsupported,1",
    "400,UNSUPPORTED,DeleteUnsupported,1",
    "403,DENIED,DeleteDenied,3"
  })
  void aRegistryThatRefusesToDeleteIsAskedOnce(
      int status, String code, RunReport.ConditionType condition, int requests) throws IOException {
    Descriptor first = threeOld();
    Plan plan = planNow(1);
    registry.faults().always("DELETE", "/manifests/", Fault.error(status, code, "no"));
    registry.requests().clear();

    RunReport report = desk.executor().execute(plan, "");

    assertThat(report.conditions())
        .extracting(RunReport.Condition::type)
        .containsExactly(condition);
    assertThat(report.deleted()).isZero();
    assertThat(report.reclaimedBytes()).isZero();
    assertThat(desk.has("app", first)).isTrue();
    // Denied, each right that registries know it by is tried.
    assertThat(registry.requests().count("DELETE", "")).isEqualTo(requests);
  }

  @ParameterizedTest
  @CsvSource({"tags/list", "manifests/pr-1", "referrers/"})
  void whatIsNotAnsweredKeepsTheRepository(String path) throws IOException {
    threeOld();
    registry.faults().always("GET", path, Fault.status(403));

    Plan plan = planNow(1);

    assertThat(plan.deletions()).isZero();
    assertThat(plan.repositories().getFirst().untouched())
        .extracting(Verdict::reason)
        .isEqualTo(Reason.REPOSITORY_UNREADABLE);
    registry.faults().clear();
    assertThat(planNow(1).deletions()).isEqualTo(2);
  }

  @Test
  void aListOfTagsThatIsCutShortIsFound() throws IOException {
    threeOld();
    planNow(1);
    registry
        .faults()
        .always(
            "GET",
            "tags/list",
            Fault.content("application/json", "{\"name\":\"app\",\"tags\":[\"pr-1\"]}"));

    Plan plan = planNow(1);

    assertThat(plan.deletions()).isZero();
    assertThat(plan.repositories().getFirst().untouched())
        .extracting(Verdict::detail)
        .asString()
        .contains("not in the list");
  }

  @Test
  void anEmptyListWhereThereWereManyIsAFailure() throws IOException {
    for (int i = 0; i < 12; i++) {
      desk.image("app:pr-" + i, "image " + i);
    }
    planNow(1);
    old();
    registry
        .faults()
        .once("GET", "tags/list", Fault.content("application/json", "{\"tags\":null}"));

    Plan plan = planNow(1);

    assertThat(plan.deletions()).isZero();
    assertThat(plan.repositories().getFirst().untouched())
        .extracting(Verdict::reason)
        .isEqualTo(Reason.TAGS_VANISHED);
    // And nothing was forgotten by that.
    desk.image("app:pr-new", "new");
    assertThat(planNow(1).deletions()).isEqualTo(12);
  }

  @Test
  void aClockThatJumpsBackDeletesNothingAndMakesNothingOld() throws IOException {
    threeOld();
    planNow(1);
    desk.clock.advance(Duration.ofDays(-3000));
    desk.image("app:pr-4", "pushed under the wrong clock");

    Plan behind = planNow(1);
    assertThat(behind.stop()).extracting(Plan.Stop::cause).isEqualTo(Plan.Cause.CLOCK_BEHIND);
    assertThat(desk.executor().execute(behind, behind.hash()).outcomes()).isEmpty();

    desk.clock.advance(Duration.ofDays(3000));
    Plan right = planNow(1);
    assertThat(right.stop()).isNull();
    assertThat(right.repositories().getFirst().kept())
        .filteredOn(k -> k.tags().contains("pr-4"))
        .extracting(k -> k.verdict().reason())
        .containsExactly(Reason.YOUNG);
  }

  @Test
  void afterAFailedDeletionWhatItMayListStays() throws IOException {
    Descriptor child = desk.image("app", "child");
    Descriptor index = desk.index("app:pr-1", child);
    planNow(1);
    old();
    desk.image("app:pr-2", "b");
    Plan plan = planNow(1);
    registry
        .faults()
        .always("DELETE", index.digest().toString(), Fault.error(500, "UNKNOWN", "broken"));

    RunReport report = desk.executor().execute(plan, "");

    assertThat(report.failed()).isEqualTo(1);
    assertThat(report.left()).isEqualTo(1);
    assertThat(desk.has("app", child)).isTrue();
  }
}
