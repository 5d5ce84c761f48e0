package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.Json;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Lists of tags that are longer than a page. */
class ListsTest {
  private static final String PATH = "/v2/a/tags/list";
  private static final List<String> PAGE =
      IntStream.range(0, 1000).mapToObj("v%04d"::formatted).toList();

  private Bench bench;
  private Scripted registry;
  private RegistryClient client;

  @BeforeEach
  void start() throws IOException {
    bench = new Bench();
    registry = new Scripted();
    registry.on("GET", "/v2/", Scripted.answer(200, "{}"));
    client = bench.client();
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    registry.close();
    bench.close();
  }

  private static HttpHandler tags(List<String> names, String... headers) {
    String body =
        new String(Json.write(Map.of("name", "a", "tags", names)), StandardCharsets.UTF_8);
    return Scripted.answer(200, body, headers);
  }

  private List<String> queries() {
    return registry.seen("GET", PATH).stream().map(seen -> seen.uri().getQuery()).toList();
  }

  @Test
  void aFullPageWithoutALinkIsFollowedByItsLastName() throws IOException {
    registry.once("GET", PATH, tags(PAGE));
    registry.once("GET", PATH, tags(List.of("w")));

    assertThat(client.listTags(registry.ref("a"))).hasSize(1001).endsWith("w");
    assertThat(queries()).containsExactly("n=1000", "n=1000&last=v0999");
  }

  @Test
  void aLinkIsFollowedAsItIs() throws IOException {
    registry.once("GET", PATH, tags(PAGE, "Link", "<" + PATH + "?cursor=x>; rel=\"next\""));
    registry.once("GET", PATH, tags(List.of("w")));

    assertThat(client.listTags(registry.ref("a"))).hasSize(1001).endsWith("w");
    assertThat(queries()).containsExactly("n=1000", "cursor=x");
  }

  @Test
  void aRegistryThatKnowsNoLastIsNotAskedForEver() throws IOException {
    registry.on("GET", PATH, tags(PAGE));

    assertThat(client.listTags(registry.ref("a"))).isEqualTo(PAGE);
    assertThat(queries()).hasSize(2);
  }

  /** A limit of the registry's own, of which it says nothing. */
  @Test
  void aListThatIsCutWithoutAWordIsAskedForToItsEnd() throws IOException {
    registry.once("GET", PATH, tags(PAGE.subList(0, 100)));
    registry.once("GET", PATH, tags(PAGE.subList(100, 200)));
    registry.once("GET", PATH, tags(PAGE.subList(200, 201)));
    registry.once("GET", PATH, tags(List.of()));

    assertThat(client.listAllTags(registry.ref("a"))).isEqualTo(PAGE.subList(0, 201));
    assertThat(queries())
        .containsExactly("n=1000", "n=1000&last=v0099", "n=1000&last=v0199", "n=1000&last=v0200");
  }

  @Test
  void aRegistryThatGivesLinksIsBelievedWithoutOne() throws IOException {
    registry.once("GET", PATH, tags(PAGE, "Link", "<" + PATH + "?cursor=x>; rel=\"next\""));
    registry.once("GET", PATH, tags(List.of("w")));

    assertThat(client.listAllTags(registry.ref("a"))).hasSize(1001);
    assertThat(queries()).hasSize(2);
  }

  @Test
  void anEndThatCannotBeAskedForIsAFailure() throws IOException {
    registry.once("GET", PATH, tags(List.of("a", "b")));
    registry.on("GET", PATH, Scripted.answer(400, "{}"));

    assertThatThrownBy(() -> client.listAllTags(registry.ref("a")))
        .isInstanceOf(RegistryException.class)
        .hasMessageContaining("list the tags");
  }

  @Test
  void aShortPageWithoutALinkIsTheLast() throws IOException {
    registry.on("GET", PATH, tags(PAGE.subList(0, 999)));

    assertThat(client.listTags(registry.ref("a"))).hasSize(999);
    assertThat(queries()).hasSize(1);
  }

  @Test
  void whatIsToBePushedToIsListedByOneAnswer() throws IOException {
    registry.once("GET", PATH, tags(List.of("1", "2")));

    assertThat(client.listTargetTags(registry.ref("a"))).contains(Set.of("1", "2"));
    assertThat(queries()).containsExactly("n=1000");
  }

  /** Registries that know no pages give all at once. */
  @Test
  void moreThanAPageIsAll() throws IOException {
    List<String> all = new ArrayList<>(PAGE);
    all.add("w");
    registry.once("GET", PATH, tags(all));

    assertThat(client.listTargetTags(registry.ref("a"))).contains(Set.copyOf(all));
  }

  @Test
  void aRepositoryThatIsNotThereHasNoTags() throws IOException {
    registry.on("GET", PATH, Scripted.answer(404, "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}"));

    assertThat(client.listTargetTags(registry.ref("a"))).contains(Set.of());
  }

  static Stream<HttpHandler> answersThatAreNoList() {
    return Stream.of(
        tags(List.of("1"), "Link", "</v2/a/tags/list?last=1>; rel=\"next\""),
        tags(PAGE),
        Scripted.answer(404, ""),
        Scripted.answer(403, ""),
        Scripted.answer(500, ""),
        Scripted.answer(200, "{"),
        Scripted.answer(200, "{}"));
  }

  @ParameterizedTest
  @MethodSource("answersThatAreNoList")
  void whatOneAnswerDoesNotTellIsNotKnown(HttpHandler answer) throws IOException {
    registry.on("GET", PATH, answer);

    assertThat(client.listTargetTags(registry.ref("a"))).isEmpty();
    assertThat(queries()).as("asked once").hasSize(1);
  }
}
