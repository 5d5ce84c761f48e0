package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Reference;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Mirrors and paths that were written to take all memory or time. */
class HostileNamesTest {
  @ParameterizedTest
  @CsvSource({"r.io,r.io/hub", "r.io/hub,r.io", "r.io/hub,r.io/hub"})
  void aMirrorInsideItsOwnUpstreamSaysNothing(String upstream, String mirror) {
    var mappings = List.of(new MirrorMapping(upstream, mirror), new MirrorMapping("r.io", "m.io"));

    assertThat(MirrorMapping.names("r.io/hub/app", mappings).all())
        .containsExactly("r.io/hub/app", "m.io/hub/app");
  }

  private static InUse manyNames() {
    List<MirrorMapping> mappings = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      mappings.add(new MirrorMapping("r.io", "m" + i + ".io", "ImageMirror evil/m" + i));
    }
    return new InUse(
        List.of(Use.of(Reference.parse("r.io/app:1"), "Pod shop/p")),
        List.of(new InUse.Unparsable("r.io/other:a:b", "Pod shop/typo")),
        List.of(new InUse.Busy("r.io/busy", "ImageBuild shop/b")),
        List.of(),
        List.of(),
        mappings);
  }

  @Test
  void aUseOfTooManyNamesIsNotKnownAndSaysByWhichMirror() {
    var index = new UseIndex(manyNames());

    assertThat(index.unknown())
        .singleElement()
        .asString()
        .contains("Pod shop/p", "r.io/app", "ImageMirror evil/m");
    assertThat(index.busy("elsewhere.io/x")).isPresent();
    assertThat(index.unparsable("r.io/unrelated")).isPresent();
  }

  @Test
  void aUseThatIsNotKnownStopsAPlan() {
    var policy =
        new PrunePolicy(
            "p",
            List.of(),
            new PrunePolicy.Protection(true, List.of(), Map.of()),
            new PrunePolicy.Limits(0, 100),
            Duration.ofHours(1));

    Plan plan =
        new Planner(policy, manyNames())
            .plan(List.of(), Ledger.EMPTY, Instant.parse("2026-06-01T00:00:00Z"));

    assertThat(plan.stop()).isNotNull();
    assertThat(plan.stop()).extracting(Plan.Stop::cause).isEqualTo(Plan.Cause.USE_UNKNOWN);
    assertThat(plan.stop())
        .extracting(Plan.Stop::message)
        .asString()
        .contains("ImageMirror evil/m");
  }

  private static JsonNode json(String text) throws IOException {
    return Json.tree(text.replace('\'', '"'));
  }

  @ParameterizedTest
  @ValueSource(strings = {".a.99999999999", ".a['99999999999999999999']", ".a[999999]", ".a['٣']"})
  void anIndexBeyondAnyListMatchesNothing(String path) throws IOException {
    assertThat(JsonPath.parse(path).values(json("{'a':['x','y','z','w']}"))).isEmpty();
  }

  @Test
  void whatLiesWithinItselfIsVisitedOnce() throws IOException {
    int depth = 200;
    JsonNode nested = json("{'a':".repeat(depth) + "'x'" + "}".repeat(depth));

    assertThat(JsonPath.parse("..a".repeat(8)).values(nested)).hasSize(1);
    assertThat(JsonPath.parse("..a..b").values(json("{'a':{'b':'1','a':{'b':'2'}}}")))
        .extracting(JsonNode::asText)
        .containsExactly("1", "2");
  }
}
