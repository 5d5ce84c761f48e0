package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyReaderTest {
  private static ImagePrunePolicySpec spec(String text) throws IOException {
    return Json.mapper()
        .readValue(("{" + text + "}").replace('\'', '"'), ImagePrunePolicySpec.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "'registries':[{'repositories':['r.io/a','R.io/b']},{'repositories':['r.io:443/c']}]|spec.registries[1].repositories: in \"r.io:443/c\" the registry is the one that is written r.io elsewhere: write it with one name",
        "'registries':[{'repositories':['r.kiln:5000/**'],'exclude':['r.kiln.svc:5000/base']}]|spec.registries[0].exclude",
        "'registries':[{'repositories':['r.kiln:5000/**'],'aliases':['node1:30500']}],'cache':[{'repositories':['node1:30500/c']}]|spec.cache[0].repositories",
        "'registries':[{'repositories':['r.io/a','s.io/a'],'aliases':['t.io']}]|spec.registries[0].aliases: they are other names of one registry, and repositories has r.io and s.io: write an entry for each",
        "'registries':[{'repositories':['r.io/a'],'aliases':['t.io']},{'repositories':['s.io/a'],'aliases':['T.io:443']}]|spec.registries[1].aliases: \"T.io:443\" is an alias of r.io in an earlier entry",
        "'registries':[{'repositories':['r.io/**']},{'repositories':['r.io/x/a']}]|spec.registries[1].repositories: registries[0] comes first and governs \"r.io/x/a\", so this entry would not be asked: put it before that one, or exclude the repository there",
        "'registries':[{'repositories':['r.io/x/**']},{'repositories':['R.io/x/**']}]|spec.registries[1].repositories: registries[0] comes first",
        "'registries':[{'repositories':['r.io/**']}],'cache':[{'repositories':['r.io/cache']}]|spec.cache[0].repositories: registries[0] comes first",
        "'cache':[{'repositories':['r.io/c/*']},{'repositories':['r.io/c/a']}]|spec.cache[1].repositories: cache[0] comes first",
        "'registries':[{'repositories':['r.io/a'],'aliases':['t.io/x']}]|spec.registries[0].aliases: \"t.io/x\" is no registry",
      })
  void whatCannotBeMeantIsRefused(String text, String message) {
    assertThatThrownBy(() -> PolicyReader.read("p", spec(text)))
        .isInstanceOf(PruneException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'registries':[{'repositories':['r.io/x/a']},{'repositories':['r.io/**']}]",
        "'registries':[{'repositories':['r.io/**'],'exclude':['r.io/x/a']},{'repositories':['r.io/x/a']}]",
        "'registries':[{'repositories':['r.io/*']},{'repositories':['r.io/**']}]",
        "'registries':[{'repositories':['r.io/**'],'exclude':['r.io/c/*']}],'cache':[{'repositories':['r.io/c/a']}]",
      })
  void whatHasAnExceptionOfItsOwnIsNot(String text) throws IOException {
    assertThat(PolicyReader.read("p", spec(text)).registries()).hasSize(2);
  }

  @Test
  void anAliasMayBeGivenForSeveralRepositoriesOfARegistry() throws IOException {
    var policy =
        spec(
            "'registries':[{'repositories':['r.io/a'],'aliases':['t.io:5000']},{'repositories':['R.io/b','r.io/c'],'aliases':['t.io:5000','u.io']}]");

    PolicyReader.read("p", policy);
    assertThat(PolicyReader.aliases(policy))
        .contains(new RegistryAlias("r.io", "t.io:5000"), new RegistryAlias("R.io", "u.io"));
  }

  /** Or what is scanned would not be what the policy names, and nothing would ever go. */
  @ParameterizedTest
  @CsvSource({
    "index.docker.io/shop/api",
    "registry.hub.docker.com/shop/api",
    "docker.io/nginx",
    "R.io/shop/api",
  })
  void aRepositoryIsGovernedHoweverItIsWritten(String repository) throws IOException {
    PrunePolicy policy =
        PolicyReader.read("p", spec("'registries':[{'repositories':['" + repository + "']}]"));

    assertThat(policy.rulesFor(Reference.parse(repository))).isPresent();
    assertThat(policy.rulesFor(Names.canonical(repository))).isPresent();
  }
}
