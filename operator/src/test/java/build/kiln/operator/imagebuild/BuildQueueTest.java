package build.kiln.operator.imagebuild;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.operator.job.Limits;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Slots, while the informer's cache is behind, ahead, or without what was deleted. */
class BuildQueueTest {
  private final Map<ResourceID, ImageBuild> cache = new HashMap<>();
  private final BuildQueue queue = new BuildQueue(new Limits(1, 1));

  @BeforeEach
  void fill() {
    queue.of(
        () -> cache.values().stream().filter(b -> !queue.index(b).isEmpty()).toList(),
        id -> Optional.ofNullable(cache.get(id)));
  }

  private static ImageBuild build(String name, long run, Phase phase) {
    var build = TestCluster.build(name, "dockerfile: {inline: \"FROM scratch\"}");
    build.setStatus(
        new ImageBuildStatus(
            null,
            null,
            null,
            null,
            null,
            null,
            List.of(
                new Run(
                    run,
                    null,
                    null,
                    null,
                    null,
                    phase,
                    "2026-01-01T00:00:00Z",
                    null,
                    null,
                    null,
                    null,
                    null)),
            null));
    return build;
  }

  private void cached(ImageBuild build) {
    cache.put(ResourceID.fromResource(build), build);
  }

  @Test
  void aSlotIsHeldWhileTheCacheIsBehind() {
    cached(build("one", 1, Phase.Succeeded));
    assertThat(queue.enter(build("one", 2, Phase.Pending))).isEmpty();
    assertThat(queue.next(1)).isEmpty();
    assertThat(queue.held()).isEqualTo(1);

    cached(build("one", 2, Phase.Pending));
    var two = build("two", 1, Phase.Pending);
    cached(two);
    assertThat(queue.enter(two)).contains(1);
  }

  @Test
  void aBuildThatIsDeletedWhileItBuildsLeavesNothing() {
    var one = build("one", 1, Phase.Pending);
    cached(one);
    assertThat(queue.enter(one)).isEmpty();

    cache.clear();
    var two = build("two", 1, Phase.Pending);
    cached(two);
    assertThat(queue.enter(two)).isEmpty();
    assertThat(queue.held()).isEqualTo(1);
  }

  @Test
  void anotherBuildOfTheSameNameIsAnotherBuild() {
    cached(build("one", 1, Phase.Pending));
    assertThat(queue.enter(build("one", 1, Phase.Pending))).isEmpty();

    var again = build("one", 1, Phase.Succeeded);
    again.getMetadata().setUid("another");
    cache.clear();
    cached(again);
    assertThat(queue.next(1)).isEmpty();
    assertThat(queue.held()).isZero();
  }

  @Test
  void aRunThatIsOverElsewhereLeavesNothing() {
    cached(build("one", 3, Phase.Pending));
    assertThat(queue.enter(build("one", 3, Phase.Pending))).isEmpty();

    cached(build("one", 3, Phase.Failed));
    assertThat(queue.counts()).containsEntry(true, 0L);
    assertThat(queue.held()).isZero();
  }
}
