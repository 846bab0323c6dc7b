ls_add_script(integration/checkpoint_index_opens_in_h5py.py ARGUMENTS $<TARGET_FILE:checkpoint_writer>)
