package build.kiln.operator.imagebuild;

import static build.kiln.operator.imagebuild.TestCluster.newest;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** An ImageBuild's life, from acceptance to its image or its failure, on an API server. */
class LifeTest {
  private static final String HELLO = "dockerfile: {inline: \"FROM scratch\"}";

  private TestCluster cluster = new TestCluster();

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void buildsAndIsReady() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    cluster.awaitReady("hello", "Unknown", "Starting");
    var pod = cluster.runs(job);
    cluster.awaitReady("hello", "Unknown", "Building");
    cluster.ends(job, pod, 0, TestCluster.pushed("registry.example.com/x"));
    var status = cluster.awaitReady("hello", "True", "Succeeded");

    assertThat(status.image()).isEqualTo("registry.example.com/x@" + TestCluster.DIGEST);
    assertThat(newest(status).phase()).isEqualTo(Phase.Succeeded);
    assertThat(status.observedGeneration()).isEqualTo(1);
  }
}
