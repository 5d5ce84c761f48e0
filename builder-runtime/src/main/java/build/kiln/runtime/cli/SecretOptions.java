package build.kiln.runtime.cli;

import build.kiln.runtime.build.BuildSecrets;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@code --secret id=ID[,src=FILE|,env=NAME]} as docker has it: without a source, the environment
 * variable of the id's name if there is one, else the file.
 */
final class SecretOptions {
  private SecretOptions() {}

  static BuildSecrets parse(List<String> options, Map<String, String> environment)
      throws CommandFailure {
    Map<String, BuildSecrets.Source> sources = new HashMap<>();
    for (String option : options) {
      Map<String, String> fields = fields(option);
      String id = fields.get("id");
      if (id == null || id.isEmpty()) {
        throw CommandFailure.usage(
            "--secret %s: an id is missing, as in id=token".formatted(option));
      }
      sources.put(id, source(option, id, fields, environment));
    }
    return BuildSecrets.of(sources);
  }

  private static Map<String, String> fields(String option) throws CommandFailure {
    Map<String, String> fields = new HashMap<>();
    for (String part : option.split(",")) {
      int equals = part.indexOf('=');
      String key = equals < 0 ? part : part.substring(0, equals);
      String value = equals < 0 ? "" : part.substring(equals + 1);
      switch (key) {
        case "id", "env" -> fields.put(key, value);
        case "src", "source" -> fields.put("src", value);
        case "type" -> fields.put("type", value);
        default ->
            throw CommandFailure.usage(
                "--secret %s: unknown field \"%s\"; want id, src or env".formatted(option, key));
      }
    }
    return fields;
  }

  private static BuildSecrets.Source source(
      String option, String id, Map<String, String> fields, Map<String, String> environment)
      throws CommandFailure {
    String file = fields.get("src");
    String variable = fields.get("env");
    String type = fields.getOrDefault("type", "");
    if (file != null && variable != null) {
      throw CommandFailure.usage("--secret %s: src or env, not both".formatted(option));
    }
    if (!type.isEmpty() && !type.equals("file") && !type.equals("env")) {
      throw CommandFailure.usage("--secret %s: type must be file or env".formatted(option));
    }
    if (type.equals("env") && variable == null) {
      variable = file == null ? id : file;
    } else if (file == null && variable == null && environment.containsKey(id)) {
      variable = id;
    }
    if (variable != null) {
      String value = environment.get(variable);
      if (value == null) {
        throw CommandFailure.usage(
            "--secret %s: the environment has no %s".formatted(option, variable));
      }
      return () -> Optional.of(value.getBytes(StandardCharsets.UTF_8));
    }
    Path path = Path.of(file == null ? id : file);
    if (!Files.isReadable(path)) {
      throw CommandFailure.usage("--secret %s: cannot read the file %s".formatted(option, path));
    }
    return () -> Optional.of(Files.readAllBytes(path));
  }
}
