package build.kiln.runtime.prune;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import java.util.List;

/**
 * What a plan at a desk was made of, besides what the registries had.
 *
 * @param spec of the policy
 * @param inUse whether files said what is in use
 * @param clusters other clusters whose use was given
 * @param mirrors that the command line named
 * @param aliases that the command line named
 */
public record PlanInput(
    ImagePrunePolicySpec spec,
    boolean inUse,
    List<String> clusters,
    List<MirrorMapping> mirrors,
    List<RegistryAlias> aliases) {}
