package build.kiln.operator.settings;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;

/** Reads {@link Settings} from a file; a field that is not known is an error, not a surprise. */
public final class SettingsFile {
  /** The environment variable that names the file. */
  public static final String VARIABLE = "KILN_SETTINGS";

  private static final ObjectMapper YAML =
      YAMLMapper.builder().enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  private SettingsFile() {}

  /**
   * Reads a file of YAML or JSON.
   *
   * @throws SettingsException if it cannot be read or says something wrong
   */
  public static Settings read(Path file) {
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw new SettingsException(
          "the settings cannot be read from %s (environment %s): %s".formatted(file, VARIABLE, e),
          e);
    }
    return parse(text, file.toString());
  }

  /**
   * Reads settings from a text of YAML or JSON.
   *
   * @param where what messages call it
   */
  static Settings parse(String text, String where) {
    try {
      Settings settings = YAML.readValue(text, Settings.class);
      if (settings == null) {
        throw new SettingsException(where + " is empty: at least builderImage must be set");
      }
      return settings;
    } catch (UnrecognizedPropertyException e) {
      throw new SettingsException(
          "%s: %s is not a setting; known here: %s"
              .formatted(
                  where,
                  path(e),
                  e.getKnownPropertyIds().stream()
                      .map(String::valueOf)
                      .sorted()
                      .collect(Collectors.joining(", "))),
          e);
    } catch (JsonMappingException e) {
      if (e.getCause() instanceof SettingsException ours) {
        throw new SettingsException(where + ": " + ours.getMessage(), ours);
      }
      throw new SettingsException(
          "%s: %s: %s".formatted(where, path(e), e.getOriginalMessage()), e);
    } catch (JsonProcessingException e) {
      var at = e.getLocation();
      throw new SettingsException(
          "%s, line %s: not YAML: %s"
              .formatted(where, at == null ? "?" : at.getLineNr(), e.getOriginalMessage()),
          e);
    }
  }

  private static String path(JsonMappingException e) {
    return e.getPath().stream()
        .map(
            part -> part.getFieldName() == null ? "[" + part.getIndex() + "]" : part.getFieldName())
        .collect(Collectors.joining("."));
  }
}
