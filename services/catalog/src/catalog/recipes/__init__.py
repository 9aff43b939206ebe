"""Emory's published curation as steps over tables: from clinical rows to labelled images. Pure.

Sources: Sample_Notebook, Data_Curation, screening_label_assignment, NUS_example_pipeline (all of
EMBED_Open_Data) and the datathon's dataset_filtering. Each recipe gives images their labels, the
clinical rows that the label rests on, and what each published step left.
"""
