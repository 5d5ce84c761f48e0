package build.kiln.api.v1alpha1;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.client.utils.Serialization;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What an API server may hold and Java cannot read, or reads as something that breaks later. */
class ImageBuildReaderTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static String resource(String spec, String status) {
    return """
        {"apiVersion": "kiln.build/v1alpha1", "kind": "ImageBuild",
         "metadata": {"name": "hello", "namespace": "shop", "generation": 3},
         "spec": %s, "status": %s}
        """
        .formatted(spec, status);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'podTemplate':{'resources':{'limits':{'memory':''}}}}|spec.podTemplate.resources.limits.memory",
        "{'podTemplate':{'resources':{'limits':{'memory':'lots'}}}}|spec.podTemplate.resources.limits.memory",
        "{'podTemplate':{'resources':{'requests':{'example.com/gpu':'x'}}}}|spec.podTemplate.resources.requests.example.com/gpu",
        "{'workspace':{'size':'Gi'}}|spec.workspace.size",
        "{'podTemplate':{'affinity':{'podAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':3000000000}]}}}}|spec.podTemplate.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight",
        "{'isolation':'FromTheFuture'}|spec.isolation",
        "{'retries':3000000000}|spec.retries",
        "{'output':{'tags':[null]}}|spec.output",
        "[]|spec",
        "7|spec"
      },
      quoteCharacter = '`')
  void aSpecThatCannotBeReadIsKeptAndTold(String spec, String field) throws Exception {
    var json = resource(spec.replace('\'', '"'), "null");

    var read = Serialization.unmarshal(json, ImageBuild.class);

    assertThat(read.getSpec()).isNull();
    assertThat(read.unreadable()).get().asString().startsWith(field + " cannot be read: ");
    assertThat(read.getMetadata().getGeneration()).isEqualTo(3);
    JsonNode written = JSON.readTree(Serialization.asJson(read));
    assertThat(written.get("spec")).isEqualTo(JSON.readTree(json).get("spec"));
    assertThat(Serialization.clone(read).unreadable()).isEqualTo(read.unreadable());
  }

  @Test
  void aSpecThatCanBeReadIsReadAsEver() {
    var read =
        Serialization.unmarshal(
            resource(
                """
                {"output": {"image": "r/x"}, "later": 1,
                 "podTemplate": {"resources": {"limits": {"cpu": 2, "memory": "1.5Gi"}}}}
                """,
                "null"),
            ImageBuild.class);

    assertThat(read.unreadable()).isEmpty();
    assertThat(read.getSpec().output().image()).isEqualTo("r/x");
    assertThat(Serialization.clone(read)).isEqualTo(read);
  }

  @Test
  void ofAStatusOfANewerReleaseTheRestIsRead() {
    var status =
        Serialization.unmarshal(
                resource(
                    "null",
                    """
                    {"image": "r/x@sha256:1", "inputsHash": "abc", "queuePosition": "first",
                     "runs": [
                      {"number": 3, "phase": "Pondering"},
                      {"number": 2, "phase": "Cancelled", "completionTime": "2026-01-01T00:00:00Z",
                       "failure": {"reason": "FromTheFuture", "message": "m"}},
                      {"number": 1, "phase": "Succeeded", "steps": [{"instruction": "RUN x", "cache": "Warm"}],
                       "platforms": [{"isolation": {"requested": "Vm", "achieved": "Vm"}}]}]}
                    """),
                ImageBuild.class)
            .getStatus();

    assertThat(status.image()).isEqualTo("r/x@sha256:1");
    assertThat(status.queuePosition()).isNull();
    assertThat(status.allRuns())
        .extracting(ImageBuildStatus.Run::phase)
        .containsExactly(Phase.Running, Phase.Failed, Phase.Succeeded);
    assertThat(status.allRuns().get(1).failure())
        .isEqualTo(new ImageBuildStatus.Failure(null, null, null, "m", null));
  }

  @ParameterizedTest
  @CsvSource({"7", "[]", "'{\"runs\": 7}'", "'{\"runs\": [7]}'", "'{\"conditions\": [[]]}'"})
  void aStatusThatIsNoneIsLeftOut(String status) {
    var read = Serialization.unmarshal(resource("null", status), ImageBuild.class);

    var found = read.getStatus() == null ? ImageBuildStatus.NONE : read.getStatus();
    assertThat(found.allRuns()).isEmpty();
    assertThat(found.condition("Ready")).isEmpty();
  }
}
